// The scrolling column of turns, those of the stretch that is laid out; it grows as one comes near its ends. It follows
// what is being written while one is at the end, and lets go as soon as one scrolls away.
import { type ReactNode, type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../../parts/button";
import styles from "./page.module.css";
import { useSeen } from "./seen";
import type { Stretch } from "./stretch";
import type { Node } from "./tree";

type ScrollerProps = {
  box: RefObject<HTMLDivElement | null>;
  nodes: Node[];
  stretch: Stretch;
  sought: string | undefined;
  /** Changes with whatever should be followed. */
  following: unknown;
  children: [(node: Node, isLast: boolean) => ReactNode, ...ReactNode[]];
};

export function Scroller({ box, nodes, stretch, sought, following, children }: ScrollerProps) {
  const { t } = useTranslation("chat");
  const [draw, ...after] = children;
  const [away, setAway] = useState(false);
  const heightBefore = useRef(0);
  const { from, to, end, pinned } = stretch;

  const earlier = useSeen(() => {
    heightBefore.current = box.current?.scrollHeight ?? 0;
    stretch.earlier();
  }, from);
  const later = useSeen(stretch.later, to);
  // Where the browser does not hold the place itself (Safari; all of them at the very top, where more would come for as
  // long as one stays there), what came above is scrolled past.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when more is shown
  useLayoutEffect(() => {
    const scroller = box.current;
    if (!scroller || !heightBefore.current) return;
    const held = scroller.scrollTop > 0 && CSS.supports("overflow-anchor", "auto");
    if (!held) scroller.scrollTop += scroller.scrollHeight - heightBefore.current;
  }, [from]);

  const toEnd = useCallback(() => {
    const scroller = box.current;
    if (scroller) scroller.scrollTop = scroller.scrollHeight;
  }, [box]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows these
  useLayoutEffect(() => {
    if (pinned.current) toEnd();
  }, [nodes, following, end, toEnd]);
  useEffect(() => {
    const column = box.current?.firstElementChild;
    if (!column) return;
    const observer = new ResizeObserver(() => pinned.current && toEnd()); // formulas, fonts
    observer.observe(column);
    return () => observer.disconnect();
  }, [box, pinned, toEnd]);
  useEffect(() => {
    if (!sought) return;
    pinned.current = false;
    const turn = document.getElementById(`m-${sought}`);
    turn?.scrollIntoView({ block: "center" });
    turn?.focus({ preventScroll: true });
  }, [sought, pinned]);

  return (
    <>
      <div
        ref={box}
        className={styles.scroller}
        data-scrolls
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          pinned.current = end && scrollHeight - scrollTop - clientHeight < 40;
          setAway(scrollHeight - scrollTop - clientHeight > 400);
        }}
      >
        <div className={styles.column}>
          {from > 0 && <div ref={earlier} className={styles.earlier} />}
          {nodes.slice(from, to).map((node, i) => draw(node, from + i === nodes.length - 1))}
          {end ? after : <div ref={later} className={styles.earlier} />}
        </div>
      </div>
      <div className={styles.toEnd}>
        {(away || !end) && (
          <IconButton
            icon="down"
            label={t("toEnd")}
            onClick={() => {
              stretch.toEnd();
              toEnd();
            }}
          />
        )}
      </div>
    </>
  );
}
