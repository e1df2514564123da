// The stages of a run: what each was made from (parents and data by their hashes), how, how long, and what came out.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Run, Stage } from "../../api/runs";
import { Button } from "../../parts/button";
import { short, useFormat } from "../../parts/format";
import { PromoteDialog } from "../admin/promote";
import styles from "./runs.module.css";
import { StateTag } from "./state_tag";

export function Stages({ run }: { run: Run }) {
  const { t } = useTranslation("runs");
  const [promoting, setPromoting] = useState<string | null>(null);
  return (
    <>
      <p className={styles.note}>
        {[
          run.recipe && t("recipe", { name: run.recipe }),
          ...["device", "dtype"].map((key) => run.hardware[key]).filter((value) => typeof value === "string"),
        ]
          .filter(Boolean)
          .join(" · ")}
      </p>
      <ol className={styles.stages}>
        {run.stages.map((stage) => (
          <li key={stage.key}>
            <StageCard
              stage={stage}
              newest={run.newest[stage.kind] === stage.key}
              onPromote={stage.servable && stage.state === "done" ? () => setPromoting(stage.key) : undefined}
            />
          </li>
        ))}
      </ol>
      {promoting && <PromoteDialog run={run.name} stage={promoting} onClose={() => setPromoting(null)} />}
    </>
  );
}

type CardProps = { stage: Stage; newest: boolean; onPromote: (() => void) | undefined };

function StageCard({ stage, newest, onPromote }: CardProps) {
  const { t } = useTranslation("runs");
  const format = useFormat();
  const figures = Object.entries(stage.figures).filter((pair): pair is [string, number] => typeof pair[1] === "number");
  return (
    <article className={styles.stage} aria-labelledby={stage.key}>
      <header>
        <h2 id={stage.key}>{t(`kind.${stage.kind}`)}</h2>
        <code>{stage.key}</code>
        <StateTag state={stage.state} />
        {onPromote && (
          <Button onClick={onPromote} aria-label={t("promoteStage", { stage: stage.key })}>
            {t("promote")}
          </Button>
        )}
      </header>
      <dl className={styles.lines}>
        <Line name={t("weights")}>
          {stage.weights ? <code title={stage.weights}>{short(stage.weights)}</code> : "–"}
          {newest && ` · ${t("newest")}`}
        </Line>
        {Object.entries(stage.parents).map(([role, parent]) => (
          <Line key={role} name={t("from", { role })}>
            {parent.stage} <code title={parent.weights ?? ""}>{short(parent.weights)}</code>
          </Line>
        ))}
        {Object.entries(stage.data).map(([role, file]) => (
          <Line key={role} name={role}>
            {file.path} <code title={file.hash}>{short(file.hash)}</code>
          </Line>
        ))}
        <Line name={t("time")}>
          {[format.time(stage.started), format.duration(stage.seconds), `seed ${stage.seed ?? "–"}`, stage.code_version]
            .filter(Boolean)
            .join(" · ")}
        </Line>
        {figures.length > 0 && (
          <Line name={t("figures")}>
            {figures.map(([name, value]) => `${name} ${format.figure(value)}`).join(" · ")}
          </Line>
        )}
      </dl>
      <details>
        <summary>{t("settings")}</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
        <pre className={styles.settings} tabIndex={0} aria-label={t("settings")}>
          {JSON.stringify(stage.settings, null, 2)}
        </pre>
      </details>
    </article>
  );
}

function Line({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
