// A call of a tool with its result, as one step that can be opened. All of it is text of strangers, and shown as text.
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../parts/icon";
import { useCopy } from "./copy";
import styles from "./step.module.css";

/** Characters that are laid out; all of them can be copied. */
const SHOWN = 20_000;

type StepProps = { name: string; asked?: string; result?: string | undefined; children?: ReactNode };

export function Step({ name, asked, result, children }: StepProps) {
  const { t } = useTranslation("chat");
  const [open, setOpen] = useState(false);
  const done = result !== undefined;
  return (
    <details className={styles.step} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon name={done ? "check" : "tool"} size={17} />
        <bdi>{t(done ? (name ? "toolUsed" : "toolResult") : "toolCall", { name })}</bdi>
      </summary>
      {open && (
        <div>
          {asked !== undefined && <Text name={t("toolAsked")} text={asked} />}
          {done && <Text name={t("toolGave")} text={result} />}
          {children}
        </div>
      )}
    </details>
  );
}

function Text({ name, text }: { name: string; text: string }) {
  const { t } = useTranslation("chat");
  const [copied, copy] = useCopy();
  const shown = pretty(text);
  const more = shown.length - SHOWN;
  return (
    <section aria-label={name}>
      <header>
        <h3>{name}</h3>
        <button type="button" onClick={() => copy(text)}>
          <Icon name={copied ? "check" : "copy"} size={16} />
          {t(copied ? "copied" : "copy")}
        </button>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
      <pre tabIndex={0}>{shown.slice(0, SHOWN)}</pre>
      {more > 0 && <p>{t("toolMore", { count: more })}</p>}
    </section>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
