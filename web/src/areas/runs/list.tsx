// Every run, the one that changed last first; asked again while one of them is at work.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { fetchRuns } from "../../api/runs";
import { useFormat } from "../../parts/format";
import { Sections } from "../../parts/sections";
import { Empty, Failed, Loading } from "../../parts/states";
import { Table } from "../../parts/table";
import styles from "./runs.module.css";
import { StateTag } from "./state_tag";

export function RunList() {
  const { t } = useTranslation("runs");
  const format = useFormat();
  const { data, error, refetch } = useQuery({
    queryKey: ["runs"],
    queryFn: fetchRuns,
    refetchInterval: ({ state }) => (state.data?.items.some((run) => run.state === "running") ? 5000 : false),
    staleTime: 2000,
  });
  return (
    <Sections title={t("title")} label={t("title")} area="/runs/$" sections={[]}>
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.items.length === 0 ? (
        <Empty title={t("none")}>
          <p>{t("noneHint")}</p>
          <code className={styles.command}>mynah demo</code>
        </Empty>
      ) : (
        <Table
          caption={t("title")}
          rows={data.items}
          rowKey={(run) => run.name}
          columns={[
            {
              head: t("name"),
              cell: (run) => (
                <Link to="/runs/$" params={{ _splat: run.name }} className={styles.name}>
                  {run.name}
                </Link>
              ),
            },
            { head: t("stateHead"), cell: (run) => <StateTag state={run.state} /> },
            { head: t("stage"), cell: (run) => <code>{run.stage || "–"}</code> },
            { head: t("rounds"), cell: (run) => run.rounds, number: true },
            { head: t("seconds"), cell: (run) => format.duration(run.seconds), number: true },
            { head: t("changed"), cell: (run) => format.time(run.changed) },
          ]}
        />
      )}
    </Sections>
  );
}
