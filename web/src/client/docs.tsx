// The docs in a browser: this host in the examples, buttons to copy them, the search.
import { render } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { find, type Entry } from "./docs/find";
import { Copy } from "./run/copy";

const HOST = "https://YOUR-HOST";

function nameThisHost(within: Element): void {
  const texts = document.createTreeWalker(within, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode as Text;
    if (text.data.includes(HOST)) text.data = text.data.replaceAll(HOST, location.origin);
  }
}

function addCopyButtons(within: Element): void {
  for (const pre of within.querySelectorAll("pre")) {
    const box = document.createElement("div");
    const button = document.createElement("div");
    box.className = "code-box";
    button.className = "code-copy";
    pre.replaceWith(box);
    box.append(pre, button);
    render(<Copy text={pre.textContent ?? ""} what="the code" />, button);
  }
}

/** Only what can be scrolled is worth a stop of the Tab key. */
function stopAtWideTables(within: Element): void {
  const seen = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
      else target.removeAttribute("tabindex");
    }
  });
  for (const table of within.querySelectorAll(".table")) seen.observe(table);
}

let asked: Promise<Entry[]> | undefined;

function index(): Promise<Entry[]> {
  asked ??= fetch("/docs/search.json")
    .then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json() as Promise<Entry[]>;
    })
    .catch((error: unknown) => {
      asked = undefined;
      throw error;
    });
  return asked;
}

function Search() {
  const [entries, setEntries] = useState<Entry[]>();
  const [failed, setFailed] = useState(false);
  const [words, setWords] = useState("");
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const load = () => {
    setFailed(false);
    index().then(setEntries, () => setFailed(true));
  };
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const typing = (event.target as Element).closest("input, textarea, select");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      box.current?.querySelector("input")?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);
  const asking = words.trim() !== "";
  const found = asking && entries ? find(entries, words) : [];
  const stops = () => [...(box.current?.querySelectorAll<HTMLElement>("input, a") ?? [])];
  const move = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      setWords("");
      stops()[0]?.focus();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const to = step && stops()[stops().indexOf(event.target as HTMLElement) + step];
    if (!to) return;
    event.preventDefault();
    to.focus();
  };
  const told = failed
    ? "The search can't be loaded just now. Use the list of pages."
    : !asking ? ""
    : !entries ? "Loading…"
    : found.length === 0 ? "Nothing holds all of these words. Try fewer."
    : `${found.length} ${found.length === 1 ? "place" : "places"}`;
  return (
    <div ref={box} role="search" class="docs-search" onKeyDown={move}>
      <label for={id}>Search the docs <kbd aria-hidden="true">/</kbd></label>
      <input
        id={id}
        type="search"
        autocomplete="off"
        aria-keyshortcuts="/"
        value={words}
        onFocus={load}
        onInput={(event) => setWords(event.currentTarget.value)}
      />
      <p class="soft" role="status">{told}</p>
      {found.length > 0 && (
        <ul aria-label="Results">
          {found.map(({ entry, excerpt }) => (
            <li key={entry.href}>
              <a href={entry.href} onClick={() => setWords("")}>
                {entry.heading || entry.page}
                <small>{entry.heading ? `${entry.page}. ` : ""}{excerpt}</small>
              </a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const article = document.querySelector("article");
const search = document.querySelector("#search");
if (article) {
  nameThisHost(article);
  addCopyButtons(article);
  stopAtWideTables(article);
}
if (search) render(<Search />, search);
