// Usage: what was served, as bars by day and as a table by model and key (for admins, by person).
import { useTranslation } from "react-i18next";
import type { UsageRow } from "../api/people";
import { Chart } from "./chart";
import { SelectField } from "./field";
import { useFormat } from "./format";
import { Part } from "./sections";
import { Empty } from "./states";
import { Table } from "./table";
import styles from "./usage.module.css";

const SPANS = [7, 30, 90, 365];
const DAY = 86_400;

type UsageProps = {
  rows: UsageRow[];
  days: number;
  onDays: (days: number) => void;
  /** The first column: a key of one's own, or a person. */
  who: { head: string; of: (row: UsageRow) => string };
};

type Sum = {
  id: string;
  who: string;
  model: string;
  requests: number;
  prompt: number;
  completion: number;
  cost: number;
};

export function UsageView({ rows, days, onDays, who }: UsageProps) {
  const { t } = useTranslation("pages");
  const format = useFormat();
  const totals = summed(rows, who.of);
  const x = lastDays(days);
  const tokens = perDay(rows, x, (row) => row.prompt_tokens + row.completion_tokens);
  const requests = perDay(rows, x, (row) => row.requests);
  const add = (values: (number | null)[]) => values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const costs = totals.some((row) => row.cost > 0);
  return (
    <Part
      title={t("usage")}
      about={t("usageAbout")}
      aside={
        <div className={styles.span}>
          <SelectField
            label={t("span")}
            labelUnseen
            value={days}
            onChange={(event) => onDays(Number(event.target.value))}
          >
            {SPANS.map((span) => (
              <option key={span} value={span}>
                {t("lastDays", { count: span })}
              </option>
            ))}
          </SelectField>
        </div>
      }
    >
      {totals.length === 0 ? (
        <Empty title={t("noUsage")} />
      ) : (
        <>
          <div className={styles.charts}>
            <Chart
              title={t("answers")}
              x={x}
              y={requests}
              bars
              xLabel={t("day")}
              summary={t("usageSummary", { what: t("answers"), count: format.count(add(requests)), days })}
            />
            <Chart
              title={t("tokens")}
              x={x}
              y={tokens}
              bars
              xLabel={t("day")}
              summary={t("usageSummary", { what: t("tokens"), count: format.count(add(tokens)), days })}
            />
          </div>
          <Table
            caption={t("usage")}
            rows={totals}
            rowKey={(row) => row.id}
            columns={[
              { head: who.head, cell: (row) => row.who },
              { head: t("model"), cell: (row) => row.model || "–" },
              { head: t("answers"), cell: (row) => format.count(row.requests), number: true },
              { head: t("promptTokens"), cell: (row) => format.count(row.prompt), number: true },
              { head: t("completionTokens"), cell: (row) => format.count(row.completion), number: true },
              ...(costs ? [{ head: t("cost"), cell: (row: Sum) => format.figure(row.cost), number: true }] : []),
            ]}
          />
        </>
      )}
    </Part>
  );
}

function summed(rows: UsageRow[], of: (row: UsageRow) => string): Sum[] {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const { model } = row;
    const id = `${row.user ?? row.key ?? ""} ${model}`; // two people, or two keys, may have the same name
    const sum = sums.get(id) ?? { id, who: of(row), model, requests: 0, prompt: 0, completion: 0, cost: 0 };
    sum.requests += row.requests;
    sum.prompt += row.prompt_tokens;
    sum.completion += row.completion_tokens;
    sum.cost += row.cost;
    sums.set(id, sum);
  }
  return [...sums.values()].sort((a, b) => b.requests - a.requests);
}

/** Midnights of UTC, in seconds since 1970: the service counts by days of UTC. */
function lastDays(count: number): number[] {
  const today = Math.floor(Date.now() / 1000 / DAY) * DAY;
  return Array.from({ length: count }, (_, i) => today - (count - 1 - i) * DAY);
}

function perDay(rows: UsageRow[], days: number[], of: (row: UsageRow) => number): (number | null)[] {
  const sums = new Map<number, number>();
  for (const row of rows) {
    const day = Date.parse(`${row.day}T00:00Z`) / 1000;
    sums.set(day, (sums.get(day) ?? 0) + of(row));
  }
  return days.map((day) => sums.get(day) ?? null); // no bar, not one of no height
}
