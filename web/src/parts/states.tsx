// What stands where content would be: nothing yet, on its way, or gone wrong. None of them jumps or spins.
import i18next from "i18next";
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

/** What to tell a person of an error, in their language where we have words for it. */
export function errorText(error: unknown, offline: string): string {
  if (error instanceof Unreachable) return offline;
  if (error instanceof ApiError) return refusal(error);
  if (error instanceof Error) return error.message;
  return String(error);
}

/** Where the words for a code are empty, the service's own sentence says more, and in the same language. */
function refusal({ code, message, wait }: ApiError): string {
  const words = i18next.t(`common:errors.${code}`, { message, defaultValue: "" });
  if (!words) return message;
  if (wait === null) return words;
  const unit = wait < 120 ? "seconds" : "minutes";
  return i18next.t(`common:wait.${unit}`, { error: words, count: Math.ceil(wait < 120 ? wait : wait / 60) });
}
