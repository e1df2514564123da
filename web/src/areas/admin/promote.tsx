// Promote: which checkpoint of which run answers from now on, what speaks for it, and why. Also opened from a run's stages.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchRun, fetchRuns, fetchServed, promote, type Run } from "../../api/runs";
import { Confirm } from "../../parts/confirm";
import { SelectField, TextArea } from "../../parts/field";
import { short, useFormat } from "../../parts/format";
import { Failed, Loading } from "../../parts/states";
import { toast } from "../../parts/toast";
import styles from "./admin.module.css";
import { winRate } from "./win_rate";

type PromoteProps = { name?: string; run?: string; stage?: string; onClose: () => void };

export function PromoteDialog({
  name: givenName = "",
  run: givenRun = "",
  stage: givenStage = "",
  onClose,
}: PromoteProps) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const [chosenName, setName] = useState(givenName);
  const [chosenRun, setRun] = useState(givenRun);
  const [chosenStage, setStage] = useState(givenStage);
  const [reason, setReason] = useState("");
  const served = useQuery({ queryKey: ["served"], queryFn: fetchServed });
  const runs = useQuery({ queryKey: ["runs"], queryFn: fetchRuns });
  const name = chosenName || served.data?.items[0]?.name || "";
  const itsRun = served.data?.items.find((model) => model.name === name)?.run;
  const runName = chosenRun || itsRun || runs.data?.items[0]?.name || "";
  const run = useQuery({ queryKey: ["runs", runName], queryFn: () => fetchRun(runName), enabled: runName !== "" });
  const stages = run.data?.stages.filter((one) => one.servable && one.state === "done").reverse() ?? [];
  const stage = stages.find((one) => one.key === chosenStage) ?? stages[0];
  const failed = served.error ?? runs.error ?? run.error;
  return (
    <Confirm
      title={t("promoteTitle")}
      action={t("promote")}
      blocked={!stage || !name}
      onClose={onClose}
      onConfirm={async () => {
        if (!stage) return;
        queries.setQueryData(
          ["served"],
          await promote({ run: runName, stage: stage.key, name, reason: reason.trim() }),
        );
        toast(t("promoted", { stage: `${runName}/${stage.key}`, name }));
      }}
    >
      <p>{t("promoteAbout")}</p>
      {failed ? (
        <Failed error={failed} />
      ) : !served.data || !runs.data ? (
        <Loading />
      ) : (
        <>
          {served.data.items.length > 1 && (
            <SelectField label={t("answersAs")} value={name} onChange={(event) => setName(event.target.value)}>
              {served.data.items.map((model) => (
                <option key={model.name}>{model.name}</option>
              ))}
            </SelectField>
          )}
          <SelectField
            label={t("run")}
            value={runName}
            onChange={(event) => {
              setRun(event.target.value);
              setStage("");
            }}
          >
            {runs.data.items.map((one) => (
              <option key={one.name}>{one.name}</option>
            ))}
          </SelectField>
          <SelectField
            label={t("checkpoint")}
            value={stage?.key ?? ""}
            error={run.data && !stage ? t("noCheckpoint") : undefined}
            onChange={(event) => setStage(event.target.value)}
          >
            {stages.map((one) => (
              <option key={one.key} value={one.key}>
                {one.key} ({short(one.weights)})
              </option>
            ))}
          </SelectField>
          {run.data && stage && <Evidence run={run.data} stage={stage.key} />}
          <TextArea
            label={t("reason")}
            hint={t("reasonHint")}
            value={reason}
            maxLength={2000}
            onChange={(event) => setReason(event.target.value)}
          />
        </>
      )}
    </Confirm>
  );
}

/** What was measured of this checkpoint; that nothing was is said too. */
function Evidence({ run, stage }: { run: Run; stage: string }) {
  const { t } = useTranslation("admin");
  const format = useFormat();
  const kind = run.stages.find((one) => one.key === stage)?.kind;
  const round = run.stages.find((one) => one.key === stage)?.round;
  const win =
    kind && run.newest[kind] === stage && run.measured.round === round && run.measured.win_rate?.[`${kind}_vs_sft`];
  const name = kind === "pretrain" ? "base" : kind;
  const exam = kind && run.newest[kind] === stage ? run.measured.exam?.[name ?? ""] : undefined;
  const said = [
    win && t("speaksFor", { win: winRate({ ...win, against: run.newest.sft ?? "sft" }, t, format) }),
    exam !== undefined && t("examPassed", { share: format.percent(exam) }),
  ].filter(Boolean);
  return (
    <p className={styles.evidence}>
      {said.length ? said.join(" ") : t("nothingMeasured")} {win && run.measured.simulated && t("simulated")}
    </p>
  );
}
