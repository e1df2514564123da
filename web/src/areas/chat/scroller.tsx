// The scrolling column of turns. Of a long conversation only the end is there at first; more comes as one scrolls up. It
// follows what is being written while one is at the end, and lets go as soon as one scrolls away.
import { type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../parts/button";
import styles from "./page.module.css";
import { useSeen } from "./seen";
import type { Node } from "./tree";

const STEP = 24;

type ScrollerProps = {
  nodes: Node[];
  sought: string | undefined;
  /** Changes with whatever should be followed. */
  following: unknown;
  children: [(node: Node, isLast: boolean) => ReactNode, ...ReactNode[]];
};

export function Scroller({ nodes, sought, following, children }: ScrollerProps) {
  const { t } = useTranslation("chat");
  const [draw, ...after] = children;
  const box = useRef<HTMLDivElement>(null);
  const pinned = useRef(!sought);
  const [away, setAway] = useState(false);
  const [shown, setShown] = useState(STEP);
  const heightBefore = useRef(0);

  const from = Math.max(0, nodes.length - shown);
  const at = sought ? nodes.findIndex((node) => node.said.id === sought) : -1;
  if (at >= 0 && at < from) setShown(nodes.length - at + STEP);

  const earlier = useSeen(() => {
    heightBefore.current = box.current?.scrollHeight ?? 0;
    setShown((known) => known + STEP);
  }, from);
  // Where the browser does not hold the place itself (Safari), what came above is scrolled past.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when more is shown
  useLayoutEffect(() => {
    const scroller = box.current;
    if (!scroller || !heightBefore.current || CSS.supports("overflow-anchor", "auto")) return;
    scroller.scrollTop += scroller.scrollHeight - heightBefore.current;
  }, [shown]);

  const toEnd = useCallback(() => {
    const scroller = box.current;
    if (scroller) scroller.scrollTop = scroller.scrollHeight;
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows these
  useLayoutEffect(() => {
    if (pinned.current) toEnd();
  }, [nodes, following, toEnd]);
  useEffect(() => {
    const column = box.current?.firstElementChild;
    if (!column) return;
    const observer = new ResizeObserver(() => pinned.current && toEnd()); // formulas, fonts
    observer.observe(column);
    return () => observer.disconnect();
  }, [toEnd]);
  useEffect(() => {
    if (!sought) return;
    pinned.current = false;
    const turn = document.getElementById(`m-${sought}`);
    turn?.scrollIntoView({ block: "center" });
    turn?.focus({ preventScroll: true });
  }, [sought]);

  return (
    <>
      <div
        ref={box}
        className={styles.scroller}
        data-scrolls
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          pinned.current = scrollHeight - scrollTop - clientHeight < 40;
          setAway(scrollHeight - scrollTop - clientHeight > 400);
        }}
      >
        <div className={styles.column}>
          {from > 0 && <div ref={earlier} className={styles.earlier} />}
          {nodes.slice(from).map((node, i) => draw(node, from + i === nodes.length - 1))}
          {after}
        </div>
      </div>
      <div className={styles.toEnd}>
        {away && (
          <IconButton
            icon="down"
            label={t("toEnd")}
            onClick={() => {
              pinned.current = true;
              toEnd();
            }}
          />
        )}
      </div>
    </>
  );
}
