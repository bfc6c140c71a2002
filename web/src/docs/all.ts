// Every page of the docs, as Markdown: the guides in web/docs, the reference, the table of options.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { texts } from "../pages/markdown";
import { reference } from "./reference";

export interface Doc {
  /** Where it is: /docs, or below. */
  path: string;
  title: string;
  about: string;
  /** Without its title. */
  markdown: string;
}

const guides = texts("docs")
  .sort((a, b) => Number(a.head.order) - Number(b.head.order))
  .map(({ name, head, markdown }) => ({
    path: name === "index" ? "/docs" : `/docs/${name}`,
    title: head.title ?? name,
    about: head.about ?? "",
    markdown,
  }));

/** docs/allowed.md without its title; its links to itself lead to the page. */
function allowed(): string {
  const file = join(import.meta.dirname, "..", "..", "docs", "allowed.md");
  return readFileSync(file, "utf8").replace(/^# .*\n/, "").replaceAll("`docs/allowed.md`", "this page").trim();
}

export const docs: Doc[] = [
  ...guides,
  {
    path: "/docs/allowed",
    title: "All flags and filters",
    about: "Every flag, filter, codec, font and virtual option that is allowed, with its values.",
    markdown: allowed(),
  },
  {
    path: "/docs/api",
    title: "API reference",
    about: "Every route: parameters, bodies, answers, errors and a curl call.",
    markdown: reference(),
  },
];
