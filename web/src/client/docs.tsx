// The docs' search, buttons that copy, and this service's own address in the examples.
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Note, told } from "./forms";
import { Copy } from "./run/copy";

const MOST = 12;
const HOST = "https://YOUR-HOST";

interface Found {
  page: string;
  heading: string;
  url: string;
  text: string;
}

let loaded: Promise<Found[]> | undefined;

function index(): Promise<Found[]> {
  loaded ??= fetch("/docs/search.json").then((answer) => {
    if (!answer.ok) throw new Error("The search can't be loaded just now.");
    return answer.json();
  });
  return loaded;
}

/** Parts that hold all the words, those with them in their titles first. */
function find(all: Found[], words: string[]): Found[] {
  const scored = all.map((each) => {
    const title = `${each.heading} ${each.page}`.toLowerCase();
    const text = each.text.toLowerCase();
    if (!words.every((word) => title.includes(word) || text.includes(word))) return { each, score: 0 };
    const inTitle = words.filter((word) => title.includes(word)).length;
    return { each, score: 1 + 3 * inTitle };
  });
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ each }) => each);
}

/** The text around the first word that was looked for. */
function excerpt(text: string, words: string[]): string {
  const at = Math.min(...words.map((word) => text.toLowerCase().indexOf(word)).filter((each) => each >= 0));
  const begin = Number.isFinite(at) ? Math.max(0, at - 40) : 0;
  return `${begin > 0 ? "…" : ""}${text.slice(begin, begin + 120)}${text.length > begin + 120 ? "…" : ""}`;
}

function Search() {
  const [query, setQuery] = useState("");
  const [all, setAll] = useState<Found[]>();
  const [error, setError] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const load = () => void index().then(setAll, (failed) => setError(told(failed)));
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all && words.length ? find(all, words) : [];
  return (
    <form role="search" onSubmit={(event) => event.preventDefault()}>
      <label for="docs-search" class="hidden">Search the docs</label>
      <input
        ref={input}
        id="docs-search"
        type="search"
        placeholder="Search (/)"
        value={query}
        onFocus={load}
        onInput={(event) => setQuery(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && setQuery("")}
      />
      <span class="hidden" role="status">
        {words.length > 0 && all && (found.length === 1 ? "1 place" : `${found.length} places`)}
      </span>
      {error && <Note tone="bad">{error}</Note>}
      {words.length > 0 && all && (
        <ul class="found">
          {found.slice(0, MOST).map((each) => (
            <li key={each.url + each.heading}>
              <a href={each.url}>
                {each.heading || each.page}
                <small>{each.heading && `${each.page}: `}{excerpt(each.text, words)}</small>
              </a>
            </li>
          ))}
          {found.length === 0 && <li class="soft">Nothing has all of these words.</li>}
          {found.length > MOST && <li class="soft">and {found.length - MOST} more: add a word</li>}
        </ul>
      )}
    </form>
  );
}

for (const code of document.querySelectorAll("pre code")) {
  const text = (code.textContent ?? "").replaceAll(HOST, location.origin);
  code.textContent = text;
  const button = document.createElement("div");
  button.className = "copy";
  code.parentElement?.after(button);
  render(<Copy text={text} what="this code" />, button);
}

/** Only what can be scrolled is worth a stop of the Tab key. */
const sizes = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
    else target.removeAttribute("tabindex");
  }
});
for (const table of document.querySelectorAll(".table")) sizes.observe(table);

const root = document.getElementById("search");
if (root) render(<Search />, root);
