// Writes every page as HTML into ../public, after vite has put the assets there.
import { copyFileSync, readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderToString } from "preact-render-to-string";
import { Layout, type Assets } from "./ui/layout";
import { pages } from "./pages";
import { twins } from "./docs/twins";

const PUBLIC = join(import.meta.dirname, "..", "..", "public");

interface Chunk {
  file: string;
  css?: string[];
}

const manifest: Record<string, Chunk> = JSON.parse(
  readFileSync(join(PUBLIC, ".vite", "manifest.json"), "utf8"),
);

function chunk(source: string): Chunk {
  const found = manifest[source];
  if (!found) throw new Error(`vite.config.ts has no entry ${source}`);
  return found;
}

const assets: Assets = {
  style: [`/${chunk("src/style.css").file}`],
  script: (entry) => `/${chunk(`src/client/${entry}`).file}`,
};

for (const page of pages) {
  const file = join(PUBLIC, page.path === "/" ? "index.html" : `${page.path.slice(1)}.html`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `<!doctype html>\n${renderToString(<Layout {...page} assets={assets} />)}\n`);
}
for (const [path, text] of Object.entries(twins())) writeFileSync(join(PUBLIC, path), text);
// For the pages that functions answer, which know no hashes.
copyFileSync(join(PUBLIC, chunk("src/style.css").file), join(PUBLIC, "style.css"));
writeFileSync(join(PUBLIC, "robots.txt"), "User-agent: *\nDisallow: /v1/\n");
console.log(`${pages.length} pages`);
