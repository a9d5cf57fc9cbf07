import type { Mention, TextSpan } from "../api/types";
import { tagPath } from "./paths";

/** Range is a part of a text, in the units of JavaScript's strings. */
export interface Range {
  start: number;
  end: number;
}

/** LinkRange is a part of a text that leads somewhere. */
export interface LinkRange extends Range {
  href: string;
}

/** mentionLinks are the @names of those whom a text mentions. */
export function mentionLinks(text: string, mentions: Mention[]): LinkRange[] {
  if (mentions.length === 0) return [];
  // The longest first: one name may begin with another.
  const names = mentions.map(({ name }) => name).sort((a, b) => b.length - a.length);
  const links: LinkRange[] = [];
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const name = names.find((one) => text.slice(at + 1, at + 1 + one.length).toLowerCase() === one.toLowerCase());
    if (name === undefined) continue;
    const end = at + 1 + name.length;
    links.push({ start: at, end, href: `/@${encodeURIComponent(name)}` });
    at = end - 1;
  }
  return links;
}

/** spanRanges are spans of the API, which counts characters, in order and without overlaps. */
export function spanRanges(text: string, spans: TextSpan[]): Range[] {
  if (spans.length === 0) return [];
  // Where each character begins: one outside of the basic plane takes two units.
  const starts: number[] = [];
  let at = 0;
  for (const character of text) {
    starts.push(at);
    at += character.length;
  }
  starts.push(at);
  const unit = (n: number): number => starts[Math.max(0, Math.min(n, starts.length - 1))] ?? 0;
  const ranges: Range[] = [];
  for (const { start, length } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = ranges.at(-1);
    const next = { start: unit(start), end: unit(start + length) };
    if (last && next.start <= last.end) last.end = Math.max(last.end, next.end);
    else if (next.end > next.start) ranges.push(next);
  }
  return ranges;
}

const maxTags = 10;
const maxTagLength = 50;

// Characters that only say how others are drawn.
const unseen = "\\u200c\\u200d\\p{Variation_Selector}\\u115f\\u1160\\u3164\\uffa0";
const inWord = `\\p{L}\\p{Nd}\\p{Nl}\\p{Mn}\\p{Mc}_${unseen}`;
const word = new RegExp(`(?![\\p{M}${unseen}])[${inWord}]+`, "uy");
// A # after these is within a word. Scripts that are written without spaces have none.
const joining = new RegExp(`[/&=?${inWord}]`, "u");
const spaceless = ["Han", "Hiragana", "Katakana", "Bopomofo", "Hangul", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"];
const unjoined = new RegExp(`[${spaceless.map((script) => `\\p{Script=${script}}`).join("")}]`, "u");
const joins = (before: string): boolean => joining.test(before) && !unjoined.test(before);

// keyOf is the form of a tag, "" for what is none. The server's is the one that counts: this one tells tags apart.
function keyOf(tag: string): string {
  const seen = tag.replace(new RegExp(`[${unseen}]`, "gu"), "");
  const key = seen.normalize("NFKC").toUpperCase().toLowerCase().replaceAll("ς", "σ").normalize("NFKC");
  return /\p{L}/u.test(key) && [...key].length <= maxTagLength ? key : "";
}

/** tagLinks are the #tags of a title, by the rule of the server (cmd/discovery/tags). */
export function tagLinks(text: string): LinkRange[] {
  const links: LinkRange[] = [];
  const keys = new Set<string>();
  let before = " ";
  let isTagged = false;
  for (let at = 0; at < text.length && keys.size < maxTags; ) {
    const start = at;
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    at += character.length;
    if (!/[#＃]/.test(character) || (joins(before) && !isTagged)) {
      before = character;
      isTagged = false;
      continue;
    }
    word.lastIndex = at;
    const tag = word.exec(text)?.[0] ?? "";
    isTagged = tag !== "";
    before = isTagged ? ([...tag].at(-1) ?? character) : character;
    at += tag.length;
    const key = keyOf(tag);
    if (key === "") continue;
    keys.add(key);
    links.push({ start, end: at, href: tagPath(key) });
  }
  return links;
}
