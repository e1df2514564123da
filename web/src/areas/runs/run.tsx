// One run: what it measured, and below it curves, stages, samples or the report.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { fetchRun, type Measured, type Run } from "../../api/runs";
import { useFormat } from "../../parts/format";
import { Sections } from "../../parts/sections";
import { Failed, Loading } from "../../parts/states";
import { Curves } from "./curves";
import { Report } from "./report";
import styles from "./runs.module.css";
import { SampleList } from "./samples";
import { Stages } from "./stages";
import { StateTag } from "./state_tag";

export function RunPage({ name, section }: { name: string; section: string }) {
  const { t } = useTranslation("runs");
  const { data, error, refetch } = useQuery({
    queryKey: ["runs", name],
    queryFn: () => fetchRun(name),
    refetchInterval: ({ state }) => (state.data?.state === "running" ? 5000 : false),
    staleTime: 2000,
  });
  const sections = [
    { at: name, label: t("curves") },
    { at: `${name}/stages`, label: t("stages") },
    { at: `${name}/samples`, label: t("samples") },
    { at: `${name}/report`, label: t("report") },
  ];
  return (
    <Sections
      title={name}
      aside={
        <>
          {data && <StateTag state={data.state} />}
          <Link to="/runs/$" params={{ _splat: "" }} className={styles.back}>
            {t("all")}
          </Link>
        </>
      }
      label={t("parts", { name })}
      area="/runs/$"
      sections={sections}
    >
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading lines={8} />
      ) : section === "stages" ? (
        <Stages run={data} />
      ) : section === "samples" ? (
        <SampleList name={name} running={data.state === "running"} />
      ) : section === "report" ? (
        <Report run={data} />
      ) : (
        <>
          <Figures run={data} />
          <Curves run={data} />
        </>
      )}
    </Sections>
  );
}

/** What the report measured, in a line; nothing for a run that was not examined. */
function Figures({ run }: { run: Run }) {
  const { t } = useTranslation("runs");
  const facts = useFacts(run.measured);
  if (facts.length === 0) return null;
  return (
    <>
      <dl className={styles.facts}>
        {facts.map(({ label, value, hint }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              {value}
              {hint && <small>{hint}</small>}
            </dd>
          </div>
        ))}
      </dl>
      {run.measured.simulated && <p className={styles.note}>{t("simulated")}</p>}
    </>
  );
}

function useFacts(measured: Measured) {
  const { t } = useTranslation("runs");
  const format = useFormat();
  const facts: { label: string; value: string; hint?: string }[] = [];
  const win = measured.win_rate?.ppo_vs_sft;
  if (win) facts.push({ label: t("winRate"), value: format.percent(win.rate), hint: interval(win, format.percent) });
  for (const model of ["ppo", "sft"])
    if (typeof measured.exam?.[model] === "number")
      facts.push({ label: t("exam", { model: model.toUpperCase() }), value: format.percent(measured.exam[model]) });
  const reward = measured.reward?.accuracy;
  if (typeof reward === "number") {
    const agreement = measured.reward?.labeller_agreement;
    const hint = agreement ? t("agreement", { share: format.percent(agreement) }) : "";
    facts.push({ label: t("rewardRight"), value: format.percent(reward), hint });
  }
  return facts;
}

/** "55 % – 69 %, n = 200" */
export function interval(
  win: { low?: number | undefined; high?: number | undefined; n?: number | undefined },
  percent: (value: number) => string,
): string {
  const range = win.low !== undefined && win.high !== undefined ? `${percent(win.low)} – ${percent(win.high)}` : "";
  return [range, win.n ? `n = ${win.n}` : ""].filter(Boolean).join(", ");
}
