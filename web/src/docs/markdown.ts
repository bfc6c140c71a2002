// Markdown files of this project as HTML, with the operator's particulars put in.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Marked } from "marked";
import { parse } from "yaml";
import { OPERATOR } from "../ui/layout";

const ROOT = join(import.meta.dirname, "..");

export interface Heading {
  id: string;
  text: string;
  level: number;
}

export interface Text {
  /** The file's name without .md. */
  name: string;
  /** The lines between the two --- at its beginning. */
  head: Record<string, string>;
  markdown: string;
}

/** The .md files of a folder of web/, by name. */
export function texts(folder: string): Text[] {
  return readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith(".md"))
    .sort()
    .map((file) => read(folder, file.slice(0, -".md".length)));
}

function read(folder: string, name: string): Text {
  const source = readFileSync(join(ROOT, folder, `${name}.md`), "utf8");
  const [, head = "", body = ""] = /^---\n(.*?)\n---\n(.*)$/s.exec(source) ?? [];
  if (!head) throw new Error(`web/${folder}/${name}.md does not begin with its particulars`);
  return { name, head: parse(head, { schema: "failsafe" }), markdown: body.trim() };
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/<[^>]*>|[^\p{L}\p{N} /_-]/gu, "")
    .trim()
    .replace(/[ /]+/g, "-");
}

/** An id that no heading before has: a filter may be called as a virtual option is. */
function unused(id: string, before: Heading[]): string {
  const taken = new Set(before.map((heading) => heading.id));
  let number = 1;
  let free = id;
  while (taken.has(free)) free = `${id}-${++number}`;
  return free;
}

/** As HTML: headings can be linked to, wide tables and code can be scrolled by keyboard. */
export function html(markdown: string): { html: string; headings: Heading[] } {
  const headings: Heading[] = [];
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const text = this.parser.parseInline(tokens);
        const plain = text.replace(/<[^>]*>/g, "");
        const id = unused(slug(plain), headings);
        headings.push({ id, text: plain, level: depth });
        return `<h${depth} id="${id}">${text}</h${depth}>\n`;
      },
      table(token) {
        // Three columns and more are too narrow to read on a phone: there each row is a block.
        const stacked = token.header.length > 2;
        const names = token.header.map((cell) => this.parser.parseInline(cell.tokens));
        const label = (column: number) =>
          stacked && column > 0 ? ` data-label="${(names[column] ?? "").replace(/<[^>]*>/g, "").replace(/"/g, "&quot;")}"` : "";
        const rows = token.rows.map((cells) =>
          cells.map((cell, column) => `<td${label(column)}>${this.parser.parseInline(cell.tokens)}</td>`).join(""),
        );
        return (
          `<div class="table" tabindex="0" role="group" aria-label="Table"><table${stacked ? ' class="stack"' : ""}>` +
          `<thead><tr>${names.map((name) => `<th>${name}</th>`).join("")}</tr></thead>` +
          `<tbody>${rows.map((row) => `<tr>${row}</tr>`).join("")}</tbody></table></div>\n`
        );
      },
      code({ text, lang }) {
        const escaped = text.replace(/&/g, "&amp;").replace(/</g, "&lt;");
        return `<pre tabindex="0" data-language="${lang ?? ""}"><code>${escaped}</code></pre>\n`;
      },
    },
  });
  return { html: marked.parse(markdown, { async: false }), headings };
}

/** Puts in who runs the service where {operator}, {place} and {support} stand. */
export function named(markdown: string): string {
  const { name, place, support } = OPERATOR;
  const words: Record<string, string> = {
    operator: name,
    place: place && `, ${place}`,
    support: `[${support}](mailto:${support})`,
  };
  return markdown.replace(/\{(\w+)\}/g, (_, word: string) => {
    const told = words[word];
    if (told === undefined) throw new Error(`nobody knows what {${word}} is`);
    return told;
  });
}
