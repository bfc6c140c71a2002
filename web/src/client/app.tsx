import "./api";
