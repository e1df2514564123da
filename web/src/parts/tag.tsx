// Tag: one word about the state of a thing. The word says it; the colour only says it again.
import type { ReactNode } from "react";
import styles from "./tag.module.css";

export function Tag({ kind = "plain", children }: { kind?: "plain" | "good" | "bad" | "live"; children: ReactNode }) {
  return <span className={`${styles.tag} ${styles[kind]}`}>{children}</span>;
}
