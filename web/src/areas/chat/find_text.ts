// Finding words in a conversation: in all of its turns, whether they are laid out or not.
import type { Said } from "../../api/conversations";
import { CODE } from "./markdown_text";
import { type Node, textOf } from "./tree";

/** The place of a turn in the branch, its id, and which of the turn's hits it is. */
export type Hit = { turn: number; id: string; nth: number };

export const MOST = 10_000;
const SLICE = 8; // ms of work, then the page may draw and take keys

/** What is looked for: upper and lower case alike, any space for a space. Null for nothing. */
export function pattern(query: string): RegExp | null {
  const words = query.trim().split(/\s+/).filter(Boolean);
  return words.length
    ? new RegExp(words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("\\s+"), "giu")
    : null;
}

/** All hits from the first turn to the last, at most MOST; null if it was called off. */
export async function find(nodes: Node[], wanted: RegExp, signal: AbortSignal): Promise<Hit[] | null> {
  const hits: Hit[] = [];
  let began = performance.now();
  for (const [turn, { said }] of nodes.entries()) {
    if (performance.now() - began > SLICE) {
      await new Promise((resolve) => setTimeout(resolve));
      began = performance.now();
    }
    if (signal.aborted) return null;
    let nth = 0;
    for (const _ of shownText(said).matchAll(wanted)) {
      hits.push({ turn, id: said.id, nth });
      nth += 1;
      if (hits.length === MOST) return hits;
    }
  }
  return hits;
}

const known = new WeakMap<Said, string>();

/** The words that a turn shows. */
function shownText(said: Said): string {
  let text = known.get(said);
  if (text === undefined) {
    const written = said.role === "user" || said.role === "assistant" ? textOf(said) : "";
    text = said.role === "assistant" ? withoutMarks(written) : written;
    known.set(said, text);
  }
  return text;
}

/** Markdown as it reads, near enough to count in: without the marks, and without the addresses of links. */
export function withoutMarks(text: string): string {
  return text
    .split(new RegExp(CODE, "gm"))
    .map((piece, i) => (i % 2 ? codeIn(piece) : wordsIn(piece)))
    .join("");
}

const codeIn = (code: string) =>
  code.startsWith("`") && !code.startsWith("```") ? code.slice(1, -1) : code.replace(/^ {0,3}```.*$/gm, "");

function wordsIn(text: string): string {
  return text
    .replace(/!?\[([^\]\n]{0,300})\]\([^)\n]{0,2000}\)/g, "$1")
    .replace(/\*\*|__|~~/g, "")
    .replace(/(?<![\w*])[*_](?=\S)|(?<=\S)[*_](?![\w*])/g, "")
    .replace(/^[ \t]*(?:#{1,6}|[-*+]|\d{1,9}[.)]|>)[ \t]+/gm, "")
    .replace(/\\([!-/:-@[-`{-~])/g, "$1");
}
