// Writes every page as HTML into ../public, after vite has put the assets there.
import { copyFileSync, readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderToString } from "preact-render-to-string";
import { Layout, type Assets } from "./ui/layout";
import { docs, index, llms, markdownPath, twin, whole } from "./docs";
import { pages } from "./pages";

const PUBLIC = join(import.meta.dirname, "..", "..", "public");

interface Chunk {
  file: string;
  imports?: string[];
}

const manifest: Record<string, Chunk> = JSON.parse(
  readFileSync(join(PUBLIC, ".vite", "manifest.json"), "utf8"),
);

function chunk(source: string): Chunk {
  const found = manifest[source];
  if (!found) throw new Error(`vite.config.ts has no entry ${source}`);
  return found;
}

/** What a script needs before it can begin, so that browsers fetch all of it at once. */
function needed(source: string, found = new Set<string>()): Set<string> {
  for (const each of chunk(source).imports ?? []) {
    if (found.has(each)) continue;
    found.add(each);
    needed(each, found);
  }
  return found;
}

const assets: Assets = {
  style: `/${chunk("src/style.css").file}`,
  script: (entry) => `/${chunk(`src/client/${entry}`).file}`,
  imports: (entry) => [...needed(`src/client/${entry}`)].map((each) => `/${chunk(each).file}`),
};

for (const page of pages) {
  const file = join(PUBLIC, page.path === "/" ? "index.html" : `${page.path.slice(1)}.html`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `<!doctype html>\n${renderToString(<Layout {...page} assets={assets} />)}\n`);
}
for (const page of docs) writeFileSync(join(PUBLIC, markdownPath(page.path)), twin(page));
writeFileSync(join(PUBLIC, "docs.md"), whole());
writeFileSync(join(PUBLIC, "docs", "search.json"), JSON.stringify(index()));
writeFileSync(join(PUBLIC, "llms.txt"), llms());
// For the pages that functions answer, which know no hashes.
copyFileSync(join(PUBLIC, chunk("src/style.css").file), join(PUBLIC, "style.css"));
writeFileSync(join(PUBLIC, "robots.txt"), "User-agent: *\nDisallow: /v1/\n");
console.log(`${pages.length} pages`);
