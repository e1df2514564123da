// The models that answer: where each came from, what it measured; promote another, take it back, and every decision.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Decision, fetchServed, rollBack, type Served } from "../../api/runs";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { TextField } from "../../parts/field";
import { short, useFormat } from "../../parts/format";
import { Part } from "../../parts/sections";
import { Empty, Failed, Loading } from "../../parts/states";
import { Table } from "../../parts/table";
import { Tag } from "../../parts/tag";
import { toast } from "../../parts/toast";
import styles from "./admin.module.css";
import { PromoteDialog } from "./promote";
import { winRate } from "./win_rate";

export function Models() {
  const { t } = useTranslation("admin");
  const [promoting, setPromoting] = useState("");
  const [leaving, setLeaving] = useState<Served | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: ["served"],
    queryFn: fetchServed,
    refetchInterval: ({ state }) => (state.data?.draining.length ? 1000 : 10_000),
    staleTime: 1000,
  });
  if (error && !data) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading lines={6} />;
  if (data.other_engine) return <Empty title={t("otherEngine")} />;
  return (
    <>
      <Part title={t("served")} about={t("servedAbout")}>
        <ul className={styles.models}>
          {data.items.map((model) => (
            <li key={model.name}>
              <ModelCard
                model={model}
                canRollBack={data.history.some((one) => one.served_as === model.name && one.decision === "promote")}
                onPromote={() => setPromoting(model.name)}
                onRollBack={() => setLeaving(model)}
              />
            </li>
          ))}
        </ul>
        {data.draining.map((model) => (
          <p key={model.weights} className={styles.note} role="status">
            {t("draining", { stage: model.stage ?? short(model.weights), count: model.in_flight })}
          </p>
        ))}
      </Part>
      <Part title={t("decisions")} about={t("decisionsAbout")}>
        {data.history.length ? <Decisions history={data.history} /> : <p className={styles.note}>{t("noDecisions")}</p>}
      </Part>
      {promoting && <PromoteDialog name={promoting} onClose={() => setPromoting("")} />}
      {leaving && <RollBack model={leaving} onClose={() => setLeaving(null)} />}
    </>
  );
}

type CardProps = { model: Served; canRollBack: boolean; onPromote: () => void; onRollBack: () => void };

function ModelCard({ model, canRollBack, onPromote, onRollBack }: CardProps) {
  const { t } = useTranslation("admin");
  const format = useFormat();
  const from = model.lineage.map((parent) => parent.stage);
  const { exam, win_rate: win } = model.figures;
  return (
    <article className={styles.model} aria-label={model.name}>
      <header>
        <h3>{model.name}</h3>
        {model.in_flight > 0 && <Tag kind="live">{t("answering", { count: model.in_flight })}</Tag>}
        <span className={styles.buttons}>
          {canRollBack && <Button onClick={onRollBack}>{t("rollBack")}</Button>}
          <Button onClick={onPromote}>{t("promote")}</Button>
        </span>
      </header>
      <dl className={styles.lines}>
        <div>
          <dt>{t("checkpoint")}</dt>
          <dd>
            {model.run ? (
              <Link to="/runs/$" params={{ _splat: `${model.run}/stages` }}>
                {model.run}/{model.stage}
              </Link>
            ) : (
              t("fromElsewhere")
            )}
          </dd>
        </div>
        <div>
          <dt>{t("weights")}</dt>
          <dd>
            <code title={model.weights}>{short(model.weights)}</code> · {t("contextOf", { count: model.context })}
          </dd>
        </div>
        {from.length > 0 && (
          <div>
            <dt>{t("trainedFrom")}</dt>
            <dd>{from.join(" ← ")}</dd>
          </div>
        )}
        {win && (
          <div>
            <dt>{t("winRate")}</dt>
            <dd>{winRate(win, t, format)}</dd>
          </div>
        )}
        {exam !== undefined && (
          <div>
            <dt>{t("exam")}</dt>
            <dd>{format.percent(exam)}</dd>
          </div>
        )}
        <div>
          <dt>{t("servedSince")}</dt>
          <dd>{format.time(model.since)}</dd>
        </div>
      </dl>
    </article>
  );
}

function Decisions({ history }: { history: Decision[] }) {
  const { t } = useTranslation("admin");
  const format = useFormat();
  return (
    <Table
      caption={t("decisions")}
      rows={history}
      rowKey={(one) => one.id}
      columns={[
        { head: t("when"), cell: (one) => format.time(one.at), tight: true },
        { head: t("decision"), cell: (one) => t(`decided.${one.decision}`) },
        {
          head: t("checkpoint"),
          cell: (one) => (
            <>
              {one.run}/{one.stage}
              <small className={styles.under}>
                {t("inPlaceOf", { stage: one.replaced?.stage ?? short(one.replaced?.weights) })}
              </small>
            </>
          ),
        },
        {
          head: t("winRate"),
          cell: (one) =>
            one.win_rate ? (
              <>
                {winRate(one.win_rate, t, format)}
                <small className={styles.under}>{t(one.direct ? "direct" : "notDirect")}</small>
              </>
            ) : (
              t("notMeasured")
            ),
        },
        { head: t("by"), cell: (one) => one.by || "–", tight: true },
        { head: t("reason"), cell: (one) => <span className={styles.words}>{one.reason || "–"}</span> },
      ]}
    />
  );
}

function RollBack({ model, onClose }: { model: Served; onClose: () => void }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const [reason, setReason] = useState("");
  return (
    <Confirm
      title={t("rollBackName", { name: model.name })}
      action={t("rollBack")}
      onClose={onClose}
      onConfirm={async () => {
        queries.setQueryData(["served"], await rollBack({ name: model.name, reason }));
        toast(t("rolledBack"));
      }}
    >
      <p>{t("rollBackAbout")}</p>
      <TextField
        label={t("reason")}
        value={reason}
        maxLength={2000}
        onChange={(event) => setReason(event.target.value)}
      />
    </Confirm>
  );
}
