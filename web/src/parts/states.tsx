// What stands where content would be: nothing yet, on its way, or gone wrong. None of them jumps or spins.
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, Unreachable } from "../api/http";
import { Button } from "./button";
import { Mark } from "./mark";
import styles from "./states.module.css";

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={styles.state}>
      <Mark size={44} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Grey lines in the shape of text; only after a moment, since most things are there before it. */
export function Loading({ lines = 4 }: { lines?: number }) {
  const { t } = useTranslation("common");
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 250);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <div className={styles.loading} role="status">
      <span className="unseen">{t("loading")}</span>
      {Array.from({ length: lines }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines without a meaning
        <i key={i} />
      ))}
    </div>
  );
}

export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation("common");
  return (
    <div className={styles.state} role="alert">
      <h2>{error instanceof Unreachable ? t("offline") : t("failed")}</h2>
      <p>{errorText(error, t("offlineHint"))}</p>
      {onRetry && <Button onClick={onRetry}>{t("retry")}</Button>}
    </div>
  );
}

/** What to tell a person of an error: the service's own sentence, where it gave one. */
export function errorText(error: unknown, offline: string): string {
  if (error instanceof Unreachable) return offline;
  if (error instanceof ApiError || error instanceof Error) return error.message;
  return String(error);
}
