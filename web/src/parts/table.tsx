// Table: rows of equal things. On a phone each row is a card, or, if it is `wide`, scrolls inside its own box. Of very many
// rows the first are there, and more on demand.
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./button";
import { useFormat } from "./format";
import styles from "./table.module.css";

export type Column<Row> = {
  head: string;
  cell: (row: Row) => ReactNode;
  /** Figures stand on the right, in digits of one width. */
  number?: boolean;
  /** On one line, whatever the others need: times, names. */
  tight?: boolean;
};

type TableProps<Row> = {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  /** So many columns that cards would be endless. */
  wide?: boolean;
  /** So many rows at a time; Infinity where they come by pages anyway. */
  step?: number;
};

const look = (column: { number?: boolean; tight?: boolean }) =>
  `${column.number ? styles.number : ""} ${column.tight ? styles.tight : ""}`;

// The roles are those that the elements have anyway: a style sheet that lays rows out as cards would take them away.
export function Table<Row>({ caption, columns, rows, rowKey, wide, step = 100 }: TableProps<Row>) {
  const { t } = useTranslation("common");
  const format = useFormat();
  const [shown, setShown] = useState(step);
  const more = rows.length - shown;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard
    <section className={styles.box} aria-label={caption} tabIndex={0}>
      {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
      <table role="table" className={`${styles.table} ${wide ? "" : styles.cards}`}>
        <caption className="unseen">{caption}</caption>
        {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
        <thead role="rowgroup">
          {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
          <tr role="row">
            {columns.map((column) => (
              // biome-ignore lint/a11y/noRedundantRoles: see above
              <th key={column.head} role="columnheader" scope="col" className={column.number ? styles.number : ""}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        {/* biome-ignore lint/a11y/noRedundantRoles: see above */}
        <tbody role="rowgroup">
          {rows.slice(0, shown).map((row) => (
            // biome-ignore lint/a11y/noRedundantRoles: see above
            <tr key={rowKey(row)} role="row">
              {columns.map((column) => (
                // biome-ignore lint/a11y/noRedundantRoles: see above
                <td key={column.head} role="cell" className={look(column)}>
                  <span className={styles.head} aria-hidden="true">
                    {column.head}
                  </span>
                  <span className={styles.value}>{column.cell(row)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && (
        <Button className={styles.more ?? ""} onClick={() => setShown(shown + step)}>
          {t("moreRows", { count: more, number: format.count(more) })}
        </Button>
      )}
    </section>
  );
}
