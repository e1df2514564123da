// What people judged as training data: frozen under a number, then taken along as files that the steps read.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { fetchDataSets, freeze, rowsOf, type Wanted } from "../../api/feedback_list";
import { Button } from "../../parts/button";
import { short, useFormat } from "../../parts/format";
import { Part } from "../../parts/sections";
import { errorText, Failed } from "../../parts/states";
import { Table } from "../../parts/table";
import styles from "./admin.module.css";

export function DataSets({ wanted, filtered }: { wanted: Wanted; filtered: boolean }) {
  const { t } = useTranslation("admin");
  const format = useFormat();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({ queryKey: ["datasets"], queryFn: fetchDataSets });
  const make = useMutation({
    mutationFn: freeze,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["datasets"] }),
  });
  const leftOut = Object.entries(make.data?.left_out ?? {});
  return (
    <Part
      title={t("datasets")}
      about={t(filtered ? "datasetsListed" : "datasetsAbout")}
      aside={
        <Button busy={make.isPending} onClick={() => make.mutate(wanted)}>
          {t(filtered ? "freezeListed" : "freeze")}
        </Button>
      }
    >
      <div role="status">
        {make.data && (
          <p className={styles.evidence}>
            {t("frozen", { number: make.data.number })}{" "}
            {leftOut.length > 0 &&
              t("leftOut", { what: leftOut.map(([why, count]) => `${format.count(count)} ${why}`).join(", ") })}
          </p>
        )}
      </div>
      {make.error && (
        <p role="alert" className={styles.error}>
          {errorText(make.error, t("common:offlineHint"))}
        </p>
      )}
      {error && <Failed error={error} onRetry={() => void refetch()} />}
      {data && data.items.length > 0 && (
        <Table
          caption={t("datasets")}
          rows={data.items}
          rowKey={(set) => `${set.number} ${set.kind}`}
          columns={[
            { head: "№", cell: (set) => set.number, number: true },
            { head: t("kind"), cell: (set) => t(`forms.${set.kind}`) },
            { head: t("judgements"), cell: (set) => <Chosen by={set.listed} /> },
            { head: t("rows"), cell: (set) => format.count(set.rows), number: true },
            { head: t("when"), cell: (set) => format.time(set.created_at) },
            { head: t("manifest"), cell: (set) => <code className={styles.code}>{short(set.manifest)}</code> },
            {
              head: t("file"),
              cell: (set) =>
                set.rows > 0 ? (
                  <a
                    href={rowsOf(set)}
                    download
                    aria-label={t("downloadOf", { number: set.number, kind: t(`forms.${set.kind}`) })}
                  >
                    JSONL
                  </a>
                ) : (
                  "–"
                ),
            },
          ]}
        />
      )}
    </Part>
  );
}

/** By which filters the judgements in a data set were chosen. */
function Chosen({ by }: { by: Partial<Wanted> }) {
  const { t } = useTranslation("admin");
  const format = useFormat();
  const days = [by.from, by.to].map((at) => (at ? format.time(at) : ""));
  const words = [
    by.kind && t(`kinds.${by.kind}`),
    by.rating && t(by.rating === "1" ? "up" : "down"),
    by.model,
    days.some(Boolean) && days.join(" – "),
    by.q && `“${by.q}”`,
  ].filter(Boolean);
  return <bdi>{words.join(" · ") || t("all")}</bdi>;
}
