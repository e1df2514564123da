// The parts of a message: its words, the tools it used, the places it cites.
import { useTranslation } from "react-i18next";
import type { Part } from "../../api/conversations";
import { Icon } from "../../parts/icon";
import { Markdown } from "./markdown";
import styles from "./turn.module.css";

export function Parts({ parts }: { parts: Part[] }) {
  const cited = parts.filter((part) => part.type === "citation");
  return (
    <>
      {parts.map((part, i) => {
        const key = `${i}-${part.type}`;
        if (part.type === "text") return <Markdown key={key} text={part.text} />;
        if (part.type === "tool_call") return <Step key={key} name={part.name} text={pretty(part.arguments)} />;
        if (part.type === "tool_result") return <Step key={key} name={part.name ?? ""} text={part.text} result />;
        return null;
      })}
      {cited.length > 0 && <Citations cited={cited} />}
    </>
  );
}

function Step({ name, text, result = false }: { name: string; text: string; result?: boolean }) {
  const { t } = useTranslation("chat");
  return (
    <details className={styles.step}>
      <summary>
        <Icon name={result ? "check" : "tool"} size={17} />
        {t(result ? "toolResult" : "toolCall", { name })}
      </summary>
      <pre>{text}</pre>
    </details>
  );
}

function Citations({ cited }: { cited: Extract<Part, { type: "citation" }>[] }) {
  const { t } = useTranslation("chat");
  return (
    <section className={styles.citations} aria-label={t("sources")}>
      <ol>
        {cited.map((source, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: they are numbered
          <li key={i}>
            {source.url && /^https?:/i.test(source.url) ? (
              <a href={source.url} title={source.url} target="_blank" rel="noopener noreferrer nofollow">
                {source.title || source.url}
              </a>
            ) : (
              source.title || source.url
            )}
            {source.text && <q>{source.text}</q>}
          </li>
        ))}
      </ol>
    </section>
  );
}

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
