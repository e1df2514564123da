// Who did what: rows that can only be added to, each of which proves the one before.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { checkAudit, fetchAudit } from "../../api/people";
import { Button } from "../../parts/button";
import { useFormat } from "../../parts/format";
import { Part } from "../../parts/sections";
import { Empty, Failed, Loading } from "../../parts/states";
import { Table } from "../../parts/table";
import { Tag } from "../../parts/tag";
import styles from "./admin.module.css";
import { useNames } from "./names";

export function Audit() {
  const { t } = useTranslation("admin");
  const format = useFormat();
  const names = useNames();
  const whole = useQuery({ queryKey: ["audit", "check"], queryFn: checkAudit, staleTime: 0 });
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam }) => fetchAudit(pageParam),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next,
    staleTime: 0,
  });
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading lines={8} />;
  const rows = data.pages.flatMap((page) => page.items);
  return (
    <Part
      title={t("pages.audit")}
      about={t("auditAbout")}
      aside={
        whole.isError ? (
          <Tag kind="bad">{t("trailUnchecked")}</Tag>
        ) : (
          whole.data &&
          (whole.data.broken === null ? (
            <Tag kind="good">{t("trailWhole")}</Tag>
          ) : (
            <Tag kind="bad">{t("trailBroken", { number: whole.data.broken })}</Tag>
          ))
        )
      }
    >
      {rows.length === 0 ? (
        <Empty title={t("noAudit")} />
      ) : (
        <Table
          caption={t("pages.audit")}
          rows={rows}
          step={Number.POSITIVE_INFINITY}
          rowKey={(row) => String(row.number)}
          columns={[
            { head: "№", cell: (row) => row.number, number: true },
            { head: t("when"), cell: (row) => format.time(row.created_at), tight: true },
            { head: t("who"), cell: (row) => (row.actor ? names.of(row.actor) : t("theService")) },
            { head: t("what"), cell: (row) => <code className={styles.code}>{row.action}</code> },
            {
              head: t("details"),
              cell: (row) => (
                <span className={styles.words}>
                  {[
                    names.known(row.target),
                    ...Object.entries(row.details)
                      .filter(([, value]) => value !== null)
                      .map(([name, value]) => `${name}: ${plain(value)}`),
                  ]
                    .filter(Boolean)
                    .join(" · ") || "–"}
                </span>
              ),
            },
          ]}
        />
      )}
      {hasNextPage && (
        <Button className={styles.below ?? ""} busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t("more")}
        </Button>
      )}
    </Part>
  );
}

const plain = (value: unknown): string =>
  Array.isArray(value) ? value.map(plain).join(", ") : typeof value === "string" ? value : JSON.stringify(value);
