// Hits in turns that are laid out: as ranges, marked by the CSS Custom Highlight API, which leaves the elements alone.

/** Ranges of all hits in a turn; words that run on from one element into the next are found, too. */
export function rangesIn(turn: Element, wanted: RegExp): Range[] {
  const nodes: { node: Text; start: number }[] = [];
  let text = "";
  let block: Element | null = null;
  for (const part of turn.querySelectorAll("[data-text]")) {
    const walker = document.createTreeWalker(part, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) => {
      if (node instanceof Text) return NodeFilter.FILTER_ACCEPT;
      const apart = node instanceof Element && node.matches("figcaption, .katex-mathml");
      return apart ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP;
    });
    while (walker.nextNode()) {
      const node = walker.currentNode as Text;
      const within: Element | null =
        node.parentElement?.closest("p, li, pre, td, th, h3, h4, h5, h6, blockquote, div") ?? null;
      if (within !== block) text += "\n";
      block = within;
      nodes.push({ node, start: text.length });
      text += node.data;
    }
  }
  let at = 0;
  return [...text.matchAll(wanted)].map((match) => {
    const range = document.createRange();
    const [from, to] = [match.index, match.index + match[0].length];
    while ((nodes[at + 1]?.start ?? Number.POSITIVE_INFINITY) <= from) at += 1;
    let last = at;
    while ((nodes[last + 1]?.start ?? Number.POSITIVE_INFINITY) < to) last += 1;
    const [first, final] = [nodes[at], nodes[last]];
    if (first) range.setStart(first.node, Math.min(from - first.start, first.node.length));
    if (final) range.setEnd(final.node, Math.min(to - final.start, final.node.length));
    return range;
  });
}

/** Mark these hits, and one of them as the one that is shown. A browser without highlights scrolls there all the same. */
export function mark(all: Range[], here: Range | null) {
  if (!("highlights" in CSS)) return;
  const [found, shown] = [new Highlight(), new Highlight()];
  for (const range of all) found.add(range);
  if (here) shown.add(here);
  shown.priority = 1;
  CSS.highlights.set("found", found);
  CSS.highlights.set("found-here", shown);
}

export function unmark() {
  if (!("highlights" in CSS)) return;
  CSS.highlights.delete("found");
  CSS.highlights.delete("found-here");
}

/** Scroll every box around a hit so that it is seen, up to the one of the turns. */
export function reveal(range: Range, outermost: Element) {
  for (let box = range.startContainer.parentElement; box; box = box.parentElement) {
    const { overflowX, overflowY } = getComputedStyle(box);
    const scrolls =
      /auto|scroll/.test(overflowX + overflowY) &&
      (box.scrollHeight > box.clientHeight || box.scrollWidth > box.clientWidth);
    if (scrolls) {
      const [hit, frame] = [range.getBoundingClientRect(), box.getBoundingClientRect()];
      if (hit.top < frame.top + 64 || hit.bottom > frame.bottom - 64)
        box.scrollTop += hit.top - frame.top - frame.height / 3;
      if (hit.left < frame.left || hit.right > frame.right) box.scrollLeft += hit.left - frame.left - frame.width / 3;
    }
    if (box === outermost) return;
  }
}
