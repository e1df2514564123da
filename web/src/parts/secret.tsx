// Secret: a text to take along now, because it is not shown again: a key, a link. One click copies it.
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./button";
import styles from "./secret.module.css";

export function Secret({ label, value }: { label: string; value: string }) {
  const { t } = useTranslation("pages");
  const field = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      setCopied(false); // no permission: it is selected, and Ctrl+C does it
    }
  };
  return (
    <div className={styles.secret}>
      <input ref={field} readOnly aria-label={label} value={value} onFocus={(event) => event.target.select()} />
      <Button kind="primary" icon={copied ? "check" : "copy"} onClick={() => void copy()}>
        {copied ? t("copied") : t("copy")}
      </Button>
      <span className="unseen" role="status">
        {copied ? t("copied") : ""}
      </span>
    </div>
  );
}
