// A stage's curves, live: one small chart for each quantity, the telling ones first, and the same figures as a table.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchRuns, type Kind, type Run } from "../../api/runs";
import { Chart } from "../../parts/chart";
import { SelectField } from "../../parts/field";
import { useFormat } from "../../parts/format";
import { Empty, Failed, Loading } from "../../parts/states";
import { Table } from "../../parts/table";
import { type Curve, together, usePoints } from "./points";
import styles from "./runs.module.css";
import { StateTag } from "./state_tag";
import { StopStage } from "./stop";

/** What is looked at first; a stage has only some of these. Others follow in the order they were written. */
const TELLING = [
  "objective",
  "score",
  "ref_kl",
  "length",
  "entropy",
  "loss",
  "accuracy",
  "policy_loss",
  "value_loss",
  "approx_kl",
  "clip_fraction",
  "ended",
  "kl_coef",
];
const FIRST = 6;
const TABLE_ROWS = 12;
const MAIN: Kind[] = ["ppo", "reward", "sft", "feedme", "pretrain"];

export function Curves({ run }: { run: Run }) {
  const { t } = useTranslation("runs");
  const drawn = run.stages.filter((stage) => stage.step !== null || stage.state === "running");
  const atWork = drawn.find((stage) => stage.state === "running");
  const [first] = MAIN.map((kind) => drawn.filter((stage) => stage.kind === kind).at(-1)).filter((stage) => stage);
  const [chosen, setChosen] = useState("");
  const [beside, setBeside] = useState("");
  const stage = drawn.find((one) => one.key === chosen) ?? atWork ?? first;
  if (!stage)
    return (
      <Empty title={t("noCurves")}>
        <p>{t("noCurvesHint")}</p>
      </Empty>
    );
  return (
    <section aria-label={t("curves")}>
      <div className={styles.choose}>
        <SelectField label={t("stage")} value={stage.key} onChange={(event) => setChosen(event.target.value)}>
          {drawn.map((one) => (
            <option key={one.key} value={one.key}>
              {one.key} · {t(`kind.${one.kind}`)}
            </option>
          ))}
        </SelectField>
        <Beside own={`${run.name} ${stage.key}`} kind={stage.kind} chosen={beside} onChoose={setBeside} />
        <StateTag state={stage.state} />
        {stage.state === "running" && <StopStage run={run.name} stage={stage} />}
      </div>
      <StageCurves key={stage.key} name={run.name} stage={stage.key} beside={beside} />
    </section>
  );
}

type BesideProps = { own: string; kind: Kind; chosen: string; onChoose: (what: string) => void };

/** Which other stage of this kind, of any run, is drawn beside this one; "RUN STAGE", as neither has a space. */
function Beside({ own, kind, chosen, onChoose }: BesideProps) {
  const { t } = useTranslation("runs");
  const { data } = useQuery({ queryKey: ["runs"], queryFn: fetchRuns, staleTime: 2000 });
  const others = (data?.items ?? [])
    .flatMap((run) => run.stages.filter((stage) => stage.kind === kind).map((stage) => `${run.name} ${stage.key}`))
    .filter((one) => one !== own);
  if (others.length === 0) return null;
  return (
    <SelectField
      label={t("beside")}
      value={others.includes(chosen) ? chosen : ""}
      onChange={(event) => onChoose(event.target.value)}
    >
      <option value="">{t("besideNothing")}</option>
      {others.map((one) => (
        <option key={one} value={one}>
          {one.replace(" ", " · ")}
        </option>
      ))}
    </SelectField>
  );
}

function StageCurves({ name, stage, beside }: { name: string; stage: string; beside: string }) {
  const { t } = useTranslation("runs");
  const { curve, error, retry } = usePoints(name, stage);
  const [otherRun = "", otherStage = ""] = beside.split(" ");
  const other = usePoints(otherRun, otherStage).curve;
  const both = useMemo(() => (curve && other && together(curve, other)) || null, [curve, other]);
  const [all, setAll] = useState(false);
  if (error) return <Failed error={error} onRetry={retry} />;
  if (!curve) return <Loading lines={6} />;
  const names = quantities(curve);
  if (names.length === 0)
    return (
      <Empty title={t("noSteps")}>
        <p>{t("noStepsHint")}</p>
      </Empty>
    );
  return (
    <>
      {both && (
        <p className={styles.legend}>
          <span>{`${name} · ${stage}`}</span>
          <span>{beside.replace(" ", " · ")}</span>
        </p>
      )}
      <div className={styles.charts}>
        {(all ? names : names.slice(0, FIRST)).map((quantity) => (
          <Quantity
            key={quantity}
            name={quantity}
            curve={both ? { ...curve, step: both.step, columns: both.own } : curve}
            other={both?.other[quantity]}
          />
        ))}
      </div>
      {curve.every > 1 && <p className={styles.note}>{t("thinned", { every: curve.every })}</p>}
      <div className={styles.more}>
        {names.length > FIRST && (
          <button type="button" className={styles.text} aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? t("fewer") : t("moreFigures", { count: names.length - FIRST })}
          </button>
        )}
        <details>
          <summary>{t("asTable")}</summary>
          <FigureTable curve={curve} names={names} />
        </details>
      </div>
    </>
  );
}

type QuantityProps = { name: string; curve: Curve; other: (number | null)[] | undefined };

function Quantity({ name, curve, other }: QuantityProps) {
  const { t, i18n } = useTranslation("runs");
  const format = useFormat();
  const values = curve.columns[name] ?? [];
  const known = values.filter((value): value is number => value !== null);
  const hint = i18n.exists(`quantity.${name}`, { ns: "runs" }) ? t(`quantity.${name}`) : undefined;
  const summary = known.length
    ? t("summary", {
        name,
        low: format.figure(known.reduce((a, b) => Math.min(a, b))),
        high: format.figure(known.reduce((a, b) => Math.max(a, b))),
        last: format.figure(known.at(-1) ?? 0),
        step: curve.step.at(-1),
      })
    : name;
  return (
    <Chart title={name} hint={hint} x={curve.step} y={values} other={other} summary={summary} xLabel={t("step")} />
  );
}

/** A dozen steps, evenly chosen, the last one among them. */
function FigureTable({ curve, names }: { curve: Curve; names: string[] }) {
  const { t } = useTranslation("runs");
  const format = useFormat();
  const count = Math.min(TABLE_ROWS, curve.step.length);
  const chosen = Array.from({ length: count }, (_, i) =>
    Math.round(((i + 1) * (curve.step.length - 1)) / Math.max(1, count)),
  );
  const rows = [...new Set([0, ...chosen])];
  const figure = (value: number | null | undefined) => (typeof value === "number" ? format.figure(value) : "–");
  return (
    <Table
      wide
      caption={t("asTable")}
      rows={rows}
      rowKey={String}
      columns={[
        { head: t("step"), cell: (i) => format.count(curve.step[i] ?? 0), number: true },
        ...names.map((name) => ({ head: name, cell: (i: number) => figure(curve.columns[name]?.[i]), number: true })),
      ]}
    />
  );
}

function quantities(curve: Curve): string[] {
  const there = Object.keys(curve.columns).filter((name) => name !== "seconds");
  return [...TELLING.filter((name) => there.includes(name)), ...there.filter((name) => !TELLING.includes(name))];
}
