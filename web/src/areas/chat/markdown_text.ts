// Small things done to Markdown before it is parsed, none of them inside code.

export const CODE = /(^ {0,3}```[\s\S]*?(?:^ {0,3}```[^\n]*$|(?![\s\S]))|`[^`\n]+`)/m;

/**
 * Every way in which models write formulas, as the one that the parser knows ($$…$$): \(…\), \[…\], and $…$ where it is
 * no price: the first dollar touches what follows, the second what goes before, and no digit comes after it.
 */
export function withMath(text: string): string {
  if (!/[$\\]/.test(text)) return text;
  return text
    .split(new RegExp(CODE, "gm"))
    .map((piece, i) => (i % 2 ? piece : mathIn(piece)))
    .join("");
}

function mathIn(text: string): string {
  return text
    .replace(/\\\[([\s\S]+?)\\\]/g, (_, tex: string) => `\n$$$$\n${tex.trim()}\n$$$$\n`)
    .replace(/\\\(([^\n]+?)\\\)/g, (_, tex: string) => `$$$$${tex.trim()}$$$$`)
    .replace(/(?<![\\$\w])\$(?![\s$])([^$\n]+?)(?<![\s\\])\$(?![$\d])/g, (_, tex: string) => `$$$$${tex}$$$$`);
}

/**
 * Where a growing text can be cut into blocks that each stand for themselves: at blank lines outside of code and
 * formulas, before a line that cannot continue a list or a quote.
 */
export function blocksOf(text: string): string[] {
  const blocks: string[] = [];
  let start = 0;
  let at = 0;
  let fence = "";
  let blank = false;
  for (const line of text.split("\n")) {
    const mark = /^ {0,3}(`{3,}|~{3,}|\$\$(?!.*\$\$))/.exec(line)?.[1]?.slice(0, 2) ?? "";
    if (!fence && blank && /^(?![-*+>|]|\d+[.)])\S/.test(line) && at > start) {
      blocks.push(text.slice(start, at));
      start = at;
    }
    if (mark && !fence) fence = mark;
    else if (mark && mark === fence) fence = "";
    blank = line.trim() === "";
    at += line.length + 1;
  }
  blocks.push(text.slice(start));
  return blocks;
}

/** For those who listen: the words without the marks. */
export function spoken(text: string): string {
  return text
    .replace(/^ {0,3}(```|~~~).*$/gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^#{1,6} |[*_`]{1,3}|^> ?/gm, "")
    .trim();
}
