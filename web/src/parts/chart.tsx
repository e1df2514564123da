// Chart: one quantity over steps or days, drawn by uPlot. Whoever cannot see it hears its range and its last value.
import { useEffect, useId, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import styles from "./chart.module.css";
import { type Format, useFormat } from "./format";

type ChartProps = {
  title: string;
  /** In a sentence, what is drawn. */
  hint?: string | undefined;
  x: number[];
  y: (number | null)[];
  /** Another one to see beside it, over the same x; drawn dashed. */
  other?: (number | null)[] | undefined;
  /** Bars of days (x in seconds since 1970) in place of a line over steps. */
  bars?: boolean;
  /** The sentence for those who listen; without data, what to say instead. */
  summary: string;
  xLabel: string;
};

const HEIGHT = 150;

export function Chart({ title, hint, x, y, other, bars = false, summary, xLabel }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = useRef<uPlot.AlignedData>([x, y]);
  data.current = other ? [x, y, other] : [x, y];
  const two = other !== undefined;
  const format = useFormat();
  const id = useId();
  const [at, setAt] = useState<number | null>(null);
  const theme = useTheme();

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from the style sheet, so the theme counts
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const options = settings(box, { bars, two }, format, setAt);
    plot.current = new uPlot(options, data.current, box);
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: HEIGHT }));
    watch.observe(box);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [bars, two, theme, format]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: new arrays are new data
  useEffect(() => plot.current?.setData(data.current), [x, y, other]);

  const shown = at ?? lastKnown(y);
  const value = bars && at === null ? y.reduce<number>((sum, one) => sum + (one ?? 0), 0) : y[shown ?? 0];
  const beside = other?.[at ?? lastKnown(other) ?? 0];
  return (
    <figure className={styles.chart} aria-labelledby={id}>
      <figcaption>
        <span>
          <span id={id} className={styles.title}>
            {title}
          </span>
          {hint && <small className={styles.hint}>{hint}</small>}
        </span>
        <span className={styles.value} aria-hidden="true">
          <span>
            {typeof value === "number" && format.figure(value)}
            {typeof beside === "number" && <span className={styles.other}>{format.figure(beside)}</span>}
          </span>
          {at !== null && (
            <small>
              {bars ? format.day(new Date((x[at] ?? 0) * 1000).toISOString()) : `${xLabel} ${format.count(x[at] ?? 0)}`}
            </small>
          )}
        </span>
      </figcaption>
      <div ref={place} className={styles.place} role="img" aria-label={summary} />
    </figure>
  );
}

function lastKnown(values: (number | null)[]): number | null {
  for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null) return i;
  return null;
}

/** "light" or "dark", as the page is shown. */
function useTheme(): string {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "light");
  useEffect(() => {
    const watch = new MutationObserver(() => setTheme(document.documentElement.dataset.theme ?? "light"));
    watch.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => watch.disconnect();
  }, []);
  return theme;
}

function settings(
  box: HTMLElement,
  { bars, two }: { bars: boolean; two: boolean },
  { figure, day }: Format,
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--ink-3"),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width: box.clientWidth || 300,
    height: HEIGHT,
    padding: [10, bars ? 16 : 6, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: true, y: false }, points: { size: 7 }, ...(bars ? {} : { sync: { key: "steps" } }) },
    scales: {
      x: { time: bars, ...(bars ? { range: aroundDays } : {}) },
      y: bars ? { range: (_, __, high) => [0, Math.max(1, high * 1.1)] } : {},
    },
    axes: [
      {
        ...axis,
        size: 26,
        gap: 4,
        ...(bars ? { space: 64 } : {}),
        grid: { show: false },
        ...(bars ? { values: (_, at) => at.map((s) => dayMark(s, day)) } : {}),
      },
      { ...axis, size: 52, gap: 4, space: 24, values: (_, at) => at.map(figure) },
    ],
    series: [
      {},
      bars
        ? { stroke: colour("--ink"), fill: colour("--ink"), paths: columns(), points: { show: false } }
        : { stroke: colour("--ink"), width: 1.75, spanGaps: true, points: { size: 4 } },
      ...(two ? [{ stroke: colour("--other"), width: 1.75, dash: [5, 4], spanGaps: true, points: { size: 4 } }] : []),
    ],
    hooks: { setCursor: [(drawn) => onCursor(drawn.cursor.idx ?? null)] },
  };
}

function columns() {
  return uPlot.paths.bars?.({ size: [0.7, 26], align: 1 }) as uPlot.Series.PathBuilder;
}

/** Bars stand to the right of their midnight: the last day needs room, too. */
const aroundDays: uPlot.Range.Function = (_, first, last) => [first, last + 86_400];

/** Midnights only: uPlot may put marks between them. */
function dayMark(seconds: number, day: (text: string) => string): string {
  return seconds % 86_400 === 0 ? day(new Date(seconds * 1000).toISOString()).replace(/,? ?\d{4}年?/, "") : "";
}
