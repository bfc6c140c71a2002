// All pages of the docs as Markdown: what the HTML, the .md twins and the search are made of.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { html, texts, type Heading } from "./markdown";
import { reference } from "./reference";

export interface Page {
  path: string;
  title: string;
  about: string;
  markdown: string;
}

/** A part of a page that the search finds. */
export interface Found {
  page: string;
  heading: string;
  url: string;
  text: string;
}

const ALLOWED = join(import.meta.dirname, "..", "..", "docs", "allowed.md");
const LONGEST = 600;

export const guides: Page[] = texts("docs")
  .sort((a, b) => (a.head.order ?? "").localeCompare(b.head.order ?? ""))
  .map(({ name, head, markdown }) => ({
    path: head.order === "01" ? "/docs" : `/docs/${name}`,
    title: head.title ?? name,
    about: head.about ?? "",
    markdown,
  }));

export const references: Page[] = [
  {
    path: "/docs/api",
    title: "API reference",
    about: "Every route with its fields, answers and errors.",
    markdown: reference(),
  },
  {
    path: "/docs/allowed",
    title: "What is allowed",
    about: "Every flag, filter and option that the service takes.",
    markdown: readFileSync(ALLOWED, "utf8").replace(/^# .*\n/, "").trim(),
  },
];

export const docs: Page[] = [...guides, ...references];

/** A page as its .md twin. */
export function twin({ title, about, markdown }: Page): string {
  return `# ${title}\n\n${about}\n\n${markdown}\n`;
}

/** All guides and the reference as one file; the long list of flags is linked. */
export function whole(): string {
  return docs
    .filter((page) => page.path !== "/docs/allowed")
    .map(twin)
    .join("\n\n");
}

/** As llmstxt.org has it. */
export function llms(): string {
  const line = ({ path, title, about }: Page) => `- [${title}](${markdownPath(path)}): ${about}`;
  return [
    "# FFmpeg Micro",
    "",
    "> FFmpeg as a service over HTTP: name or upload media, choose an operation, poll, download.",
    "",
    "Every call carries `Authorization: Bearer <API key>`. `POST /v1/validate` tells what a request",
    "would do and cost, or all that is refused, free of charge.",
    "",
    "## Guides",
    "",
    ...guides.map(line),
    "",
    "## Reference",
    "",
    ...references.map(line),
    "- [OpenAPI](/openapi.yaml): the machine-readable document",
    "- [All guides and the reference in one file](/docs.md): for a single reading",
    "",
  ].join("\n");
}

/** Where the Markdown of a page is. */
export function markdownPath(path: string): string {
  return path === "/docs" ? "/docs/quick-start.md" : `${path}.md`;
}

/** What the search looks through. */
export function index(): Found[] {
  return docs.flatMap((page) => {
    const headings = rendered(page).headings.filter(({ level }) => level === 2 || level === 3);
    return page.markdown.split(/^(?=#{2,3} )/m).map((part) => {
      const [, title] = /^#{2,3} (.*)\n?/.exec(part) ?? [];
      const id = title === undefined ? undefined : headings.shift()?.id;
      const heading = (title ?? "").replace(/`/g, "");
      const text = page.path === "/docs/allowed" ? firstCells(part) : plain(part);
      return { page: page.title, heading, url: page.path + (id ? `#${id}` : ""), text };
    });
  });
}

function plain(markdown: string): string {
  return markdown
    .replace(/^#+ .*\n/, "")
    .replace(/```.*\n|```|[`*|#]|\]\([^)]*\)|\[|-{3,}/g, " ")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, LONGEST);
}

/** The names in a table: of the list of flags that is what is looked for. */
function firstCells(markdown: string): string {
  return [...markdown.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name).join(" ");
}

export function rendered(page: Page): { html: string; headings: Heading[] } {
  return html(page.markdown);
}
