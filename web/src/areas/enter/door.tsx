// The page before the others: the mark, a form, nothing else.
import type { ReactNode } from "react";
import { Mark } from "../../parts/mark";
import styles from "./door.module.css";

export function Door({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className={styles.door}>
      <div className={styles.side} aria-hidden="true">
        <Mark size={160} onDark />
      </div>
      <div className={styles.form}>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
