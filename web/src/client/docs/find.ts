// The search's own ranking: every word must occur; one in a heading counts for more.
/** A page, or a part of one under its heading. */
export interface Entry {
  page: string;
  heading: string;
  href: string;
  text: string;
}

export interface Found {
  entry: Entry;
  excerpt: string;
}

const MOST = 20;
const AROUND = 60;

export function find(entries: Entry[], asked: string): Found[] {
  const words = [...new Set(asked.toLowerCase().split(/\s+/).filter(Boolean))];
  if (words.length === 0) return [];
  return entries
    .map((entry) => ({ entry, points: points(entry, words) }))
    .filter((each) => each.points > 0)
    .sort((a, b) => b.points - a.points)
    .slice(0, MOST)
    .map(({ entry }) => ({ entry, excerpt: excerpt(entry.text, words) }));
}

/** 0 unless every word occurs somewhere. */
function points(entry: Entry, words: string[]): number {
  const heading = entry.heading.toLowerCase();
  const page = entry.page.toLowerCase();
  const text = entry.text.toLowerCase();
  let sum = 0;
  for (const word of words) {
    const each =
      (heading === word ? 40 : begins(heading, word) ? 20 : heading.includes(word) ? 10 : 0) +
      (begins(page, word) ? 6 : 0) +
      (begins(text, word) ? 2 : text.includes(word) ? 1 : 0);
    if (each === 0) return 0;
    sum += each;
  }
  // A whole page goes before its parts.
  return sum + (entry.heading ? 0 : 3);
}

/** Whether a word of the text begins so. */
function begins(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]!)) return true;
  return false;
}

function excerpt(text: string, words: string[]): string {
  const low = text.toLowerCase();
  const places = words.map((word) => low.indexOf(word)).filter((at) => at >= 0);
  const from = Math.max(0, Math.min(...places, text.length) - AROUND / 2);
  const start = from === 0 || places.length === 0 ? 0 : text.indexOf(" ", from) + 1;
  const end = start + 2 * AROUND;
  return `${start > 0 ? "…" : ""}${text.slice(start, end).trim()}${end < text.length ? "…" : ""}`;
}
