// Which turns of a long conversation are laid out: at first its end; then what one scrolls to, or jumps to.
import { type RefObject, useCallback, useMemo, useRef, useState } from "react";

const STEP = 24;
const AROUND = 12;

export type Stretch = {
  /** The first turn that is laid out, and the one after the last; `end`: there is none after it. */
  from: number;
  to: number;
  end: boolean;
  /** Whether the end is followed as it grows. */
  pinned: RefObject<boolean>;
  earlier: () => void;
  later: () => void;
  /** Lay out a turn and those around it, if it is not. */
  around: (turn: number) => void;
  toEnd: () => void;
};

/** Over `count` turns; `sought` is the id of one to begin with, `at` its place (-1: not there). */
export function useStretch(count: number, sought: string | undefined, at: number): Stretch {
  const [place, setPlace] = useState(() => near(at, count));
  const [known, setKnown] = useState(sought);
  const pinned = useRef(at < 0);
  if (sought !== known) {
    setKnown(sought);
    setPlace(near(at, count));
  }
  const end = place.to >= count;
  if (end && Number.isFinite(place.to)) setPlace({ ...place, to: Number.POSITIVE_INFINITY });
  const from = Math.max(0, Math.min(place.from, count - STEP)); // another branch may be shorter
  const to = end ? count : place.to;

  const earlier = useCallback(() => setPlace((now) => ({ ...now, from: Math.max(0, now.from - STEP) })), []);
  const later = useCallback(
    () => setPlace((now) => ({ ...now, to: now.to + STEP < count ? now.to + STEP : Number.POSITIVE_INFINITY })),
    [count],
  );
  const around = useCallback(
    (turn: number) => {
      pinned.current = false;
      if (turn < from || turn >= to) setPlace(near(turn, count));
    },
    [from, to, count],
  );
  const toEnd = useCallback(() => {
    pinned.current = true;
    setPlace((now) => (now.to >= count ? now : near(-1, count)));
  }, [count]);
  return useMemo(
    () => ({ from, to, end, pinned, earlier, later, around, toEnd }),
    [from, to, end, earlier, later, around, toEnd],
  );
}

function near(turn: number, count: number) {
  const last = Number.POSITIVE_INFINITY;
  if (turn < 0) return { from: Math.max(0, count - STEP), to: last };
  return { from: Math.max(0, turn - AROUND), to: turn + AROUND < count ? turn + AROUND : last };
}
