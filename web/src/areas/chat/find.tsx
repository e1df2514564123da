// The bar that finds words in one chat. The browser's own search sees only the turns that are laid out; this one sees all.
import { type FormEvent, type KeyboardEvent, type RefObject, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../parts/button";
import styles from "./find.module.css";
import { mark, rangesIn, reveal, unmark } from "./find_marks";
import { find, type Hit, MOST, pattern } from "./find_text";
import type { Stretch } from "./stretch";
import type { Node } from "./tree";

type FindProps = {
  nodes: Node[];
  stretch: Stretch;
  box: RefObject<HTMLDivElement | null>;
  /** The turn whose hit is shown now. */
  onFound: (id: string) => void;
  onClose: () => void;
};

export function Find({ nodes, stretch, box, onFound, onClose }: FindProps) {
  const { t } = useTranslation("chat");
  const [query, setQuery] = useState("");
  const { hits, at, go } = useHits(nodes, query, box);
  const hit = hits?.[at];
  const count = hits?.length ?? 0;
  useMarks(hit, query, box);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another hit leads elsewhere
  useEffect(() => {
    if (hit) stretch.around(hit.turn);
    onFound(hit?.id ?? "");
  }, [hit]);

  const close = () => {
    onClose();
    const turn = hit && document.getElementById(`m-${hit.id}`);
    if (turn) turn.focus({ preventScroll: true });
    else document.getElementById("composer")?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && event.target instanceof HTMLInputElement) go(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <search className={styles.find}>
      <form onSubmit={(event: FormEvent) => event.preventDefault()} onKeyDown={onKey}>
        <input
          // biome-ignore lint/a11y/noAutofocus: it was asked for by a key
          autoFocus
          type="text"
          value={query}
          maxLength={200}
          spellCheck={false}
          autoComplete="off"
          enterKeyHint="search"
          aria-label={t("find")}
          placeholder={t("find")}
          onChange={(event) => setQuery(event.target.value)}
        />
        <span role="status">
          {!hits ? "" : count === 0 ? t("foundNone") : t(count === MOST ? "foundMany" : "found", { at: at + 1, count })}
        </span>
        <IconButton small icon="up" label={t("foundPrevious")} disabled={count === 0} onClick={() => go(-1)} />
        <IconButton small icon="down" label={t("foundNext")} disabled={count === 0} onClick={() => go(1)} />
        <IconButton small icon="close" label={t("common:close")} onClick={close} />
      </form>
    </search>
  );
}

const PAUSE = 80; // ms without a key: while one types, nothing jumps
const NOTHING = { query: "", hits: null, at: -1 };

/** The hits of a query, null until they are known, and which of them is shown: the next one from where one is. */
function useHits(nodes: Node[], query: string, box: RefObject<HTMLDivElement | null>) {
  const [found, setFound] = useState<{ query: string; hits: Hit[] | null; at: number }>(NOTHING);
  const latest = useRef(found);
  latest.current = found;
  useEffect(() => {
    const wanted = pattern(query);
    const off = new AbortController();
    if (!wanted) setFound(NOTHING);
    const look = async (sought: RegExp) => {
      const hits = await find(nodes, sought, off.signal);
      if (!hits || off.signal.aborted) return;
      const before = latest.current;
      const shown = before.hits?.[before.at];
      const same = before.query === query ? hits.findIndex((hit) => hit.id === shown?.id && hit.nth === shown.nth) : -1;
      const from = shown?.turn ?? firstSeen(nodes, box.current);
      const next = hits.findIndex((hit) => hit.turn >= from);
      setFound({ query, hits, at: same >= 0 ? same : hits.length ? Math.max(0, next) : -1 });
    };
    const timer = setTimeout(() => wanted && void look(wanted), PAUSE);
    return () => {
      clearTimeout(timer);
      off.abort();
    };
  }, [nodes, query, box]);
  const go = (by: number) =>
    setFound(({ query, hits, at }) => ({ query, hits, at: hits?.length ? (at + by + hits.length) % hits.length : -1 }));
  return { ...found, go };
}

/** The first turn of which something is on the screen. */
function firstSeen(nodes: Node[], box: Element | null): number {
  const top = box?.getBoundingClientRect().top ?? 0;
  return nodes.findIndex(({ said }) => {
    const turn = document.getElementById(`m-${said.id}`);
    return turn !== null && turn.getBoundingClientRect().bottom > top;
  });
}

const PATIENCE = 40; // frames in which a turn is laid out, unfolds, is coloured

/** Marks the hits on the screen as turns come and change, and scrolls to the one that is shown, once it is there. */
function useMarks(hit: Hit | undefined, query: string, box: RefObject<HTMLDivElement | null>) {
  const sought = useRef<{ hit: Hit | undefined; frames: number }>({ hit: undefined, frames: 0 });
  useEffect(() => {
    const column = box.current;
    const wanted = pattern(query);
    if (!column || !wanted) return unmark();
    if (sought.current.hit !== hit) sought.current = { hit, frames: PATIENCE };
    let known = new Map<Element, Range[]>();
    let frame = 0;
    const ranges = (turn: Element) => {
      const there = known.get(turn) ?? rangesIn(turn, wanted);
      known.set(turn, there);
      return there;
    };
    const draw = () => {
      frame = 0;
      const turn = hit ? document.getElementById(`m-${hit.id}`) : null;
      const there = turn ? ranges(turn) : [];
      const here = there[Math.min(hit?.nth ?? 0, there.length - 1)] ?? null;
      if (sought.current.frames > 0 && hit) {
        const whole = there.length > hit.nth;
        sought.current.frames = whole ? 0 : sought.current.frames - 1;
        if (whole && here) reveal(here, column);
        else if (sought.current.frames === 0) here ? reveal(here, column) : turn?.scrollIntoView({ block: "center" });
        else soon();
      }
      mark(onScreen(column).flatMap(ranges), here);
    };
    const soon = () => {
      frame ||= requestAnimationFrame(draw);
    };
    const observer = new MutationObserver(() => {
      known = new Map();
      soon();
    });
    observer.observe(column, { childList: true, subtree: true, characterData: true });
    column.addEventListener("scroll", soon, { passive: true });
    soon();
    return () => {
      observer.disconnect();
      column.removeEventListener("scroll", soon);
      cancelAnimationFrame(frame);
    };
  }, [hit, query, box]);
  useEffect(() => unmark, []);
}

function onScreen(box: Element): Element[] {
  const frame = box.getBoundingClientRect();
  return [...box.querySelectorAll("[id^=m-]")].filter((turn) => {
    const { top, bottom } = turn.getBoundingClientRect();
    return bottom > frame.top - 200 && top < frame.bottom + 200;
  });
}
