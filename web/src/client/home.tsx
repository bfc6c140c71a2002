import { render } from "preact";
import { Try } from "./home/try";

const root = document.getElementById("try");
if (root) {
  root.replaceChildren();
  render(<Try />, root);
}
