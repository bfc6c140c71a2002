import "./session";
