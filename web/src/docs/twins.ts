// The docs for programs: each page as Markdown, all in one, llms.txt, and the index to search.
import { docs, type Doc } from "./all";
import { html } from "../pages/markdown";
import type { Entry } from "../client/docs/find";

const SUMMARY =
  "FFmpeg Micro is FFmpeg as a service: send media or name a URL by HTTP, say what to make of it, " +
  "poll, and download the result from a signed link.";
const MOST_TEXT = 3000;

/** The files, by their path below public/. */
export function twins(): Record<string, string> {
  return {
    ...Object.fromEntries(docs.slice(1).map((doc) => [`${doc.path.slice(1)}.md`, whole(doc)])),
    "docs/index.md": whole(docs[0]!),
    "docs.md": docs.map(whole).join("\n\n"),
    "llms.txt": llms(),
    "docs/search.json": JSON.stringify(docs.flatMap(entries)),
  };
}

/** Where a page's own Markdown is. */
export function twin({ path }: Doc): string {
  return path === "/docs" ? "/docs/index.md" : `${path}.md`;
}

function whole({ title, about, markdown }: Doc): string {
  return `# ${title}\n\n> ${about}\n\n${markdown}\n`;
}

/** As https://llmstxt.org has it: a title, a summary, lists of links. */
function llms(): string {
  const line = (doc: Doc) => `- [${doc.title}](${twin(doc)}): ${doc.about}`;
  return `# FFmpeg Micro

> ${SUMMARY}

Every call carries \`Authorization: Bearer <API key>\`; bodies are JSON. Errors are \`{error, details?}\`
with a sentence that says what to do.

## Docs

${docs.map(line).join("\n")}
- [OpenAPI document](/openapi.yaml): the same reference for programs, OpenAPI 3.1.

## Optional

- [All in one](/docs.md): every page above in one file.
- [Pricing](/pricing): plans and limits.
- [Status](/status): whether the service works just now.
`;
}

/** The parts of a page, cut at its headings. */
function entries({ path, title, markdown }: Doc): Entry[] {
  const { headings } = html(markdown);
  const parts = html(markdown).html.split(/(?=<h[1-6] id=)/);
  return parts.flatMap((part) => {
    const id = /^<h[1-6] id="([^"]*)"/.exec(part)?.[1];
    const text = plain(id ? part.slice(part.indexOf("</h")) : part);
    const heading = headings.find((each) => each.id === id)?.text ?? "";
    if (!id && !text) return [];
    return [{ page: title, heading: plain(heading), href: id ? `${path}#${id}` : path, text }];
  });
}

function plain(markup: string): string {
  return markup
    .replace(/<[^>]*>/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, MOST_TEXT);
}
