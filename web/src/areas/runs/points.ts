// A stage's curves, read on while it is at work: each call brings only what is new.
import { useEffect, useState } from "react";
import { fetchPoints, type Points } from "../../api/runs";

const EVERY_MS = 3000;
const MOST = 4000; // beyond it the whole curve is asked for again, thinned by the service

export type Curve = Pick<Points, "step" | "columns" | "every" | "state">;

/** Without a name there is nothing to read. */
export function usePoints(name: string, stage: string) {
  const [curve, setCurve] = useState<Curve | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [tries, setTries] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another try begins anew
  useEffect(() => {
    let [over, timer, after] = [false, 0, ""];
    let held: Curve | null = null;
    setCurve(null);
    setError(null);
    if (!name) return;
    const ask = async () => {
      if (document.hidden && held) return wait();
      try {
        const points = await fetchPoints(name, stage, after);
        if (over) return;
        held = points.reset || !held ? points : joined(held, points);
        after = held.step.length > MOST ? "" : points.next;
        setCurve(held);
        setError(null);
        if (points.state === "running") wait();
      } catch (failed) {
        if (over) return;
        setError(failed);
        if (held) wait(); // what is drawn stays, and the service may come back
      }
    };
    const wait = () => {
      timer = window.setTimeout(() => void ask(), EVERY_MS);
    };
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [name, stage, tries]);
  return { curve, error: curve ? null : error, retry: () => setTries(tries + 1) };
}

/** Two curves over the steps of both: what is missing in one is a gap. */
export function together(own: Curve, other: Curve): { step: number[]; own: Curve["columns"]; other: Curve["columns"] } {
  const step = [...new Set([...own.step, ...other.step])].sort((a, b) => a - b);
  const spread = (curve: Curve) => {
    const at = new Map(curve.step.map((one, i) => [one, i]));
    const columns: Curve["columns"] = {};
    for (const [name, values] of Object.entries(curve.columns))
      columns[name] = step.map((one) => values[at.get(one) ?? -1] ?? null);
    return columns;
  };
  return { step, own: spread(own), other: spread(other) };
}

/** Old points and new ones; a quantity that is missing in one of them has gaps there. */
export function joined(old: Curve, points: Points): Curve {
  if (points.step.length === 0) return { ...old, state: points.state };
  const names = new Set([...Object.keys(old.columns), ...Object.keys(points.columns)]);
  const gap = (length: number) => Array<null>(length).fill(null);
  const columns: Curve["columns"] = {};
  for (const name of names)
    columns[name] = [
      ...(old.columns[name] ?? gap(old.step.length)),
      ...(points.columns[name] ?? gap(points.step.length)),
    ];
  return {
    step: [...old.step, ...points.step],
    columns,
    every: Math.max(old.every, points.every),
    state: points.state,
  };
}
