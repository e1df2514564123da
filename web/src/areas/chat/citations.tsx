// What an answer cites: marks in its words that lead to a numbered list of sources below them.
import { createContext, type MouseEvent, useContext } from "react";
import { useTranslation } from "react-i18next";
import type { Citation } from "../../api/conversations";
import styles from "./citations.module.css";

/** The answer that is drawn, and the sources that it was given. */
export const Citing = createContext<{ of: string; sources: Citation[] }>({ of: "", sources: [] });

const place = (of: string, number: number) => `source-${of}-${number}`;

/** `[1]` in the words of an answer: a link, if there is such a source. */
export function Mark({ text }: { text: string }) {
  const { t } = useTranslation("chat");
  const { of, sources } = useContext(Citing);
  const source = sources.find((one) => text === `[${one.number}]`);
  if (!source) return <>{text}</>;
  const to = place(of, source.number);
  const go = (event: MouseEvent) => {
    event.preventDefault(); // the address stays that of the chat
    document.getElementById(to)?.scrollIntoView({ block: "nearest" });
    document.getElementById(to)?.focus({ preventScroll: true });
  };
  const name = t("sourceIs", { number: source.number, title: source.title || hostOf(source.url) || source.text });
  return (
    <a className={styles.mark} href={`#${to}`} aria-label={name} title={name} onClick={go}>
      {text}
    </a>
  );
}

export function Citations({ of, sources }: { of: string; sources: Citation[] }) {
  const { t } = useTranslation("chat");
  const cited = sources.filter((source) => source.cited);
  const others = sources.filter((source) => !source.cited);
  return (
    <section className={styles.citations} aria-label={t("sources")}>
      {cited.length > 0 && <Sources of={of} sources={cited} />}
      {others.length > 0 && (
        <details>
          <summary>{t("notCited", { count: others.length })}</summary>
          <Sources of={of} sources={others} />
        </details>
      )}
    </section>
  );
}

function Sources({ of, sources }: { of: string; sources: Citation[] }) {
  return (
    <ol>
      {sources.map((source) => (
        <li key={source.number} id={place(of, source.number)} value={source.number} tabIndex={-1}>
          <Title source={source} />
          {source.text && <q>{source.text}</q>}
        </li>
      ))}
    </ol>
  );
}

/** Titles can say anything, so the host that a link leads to stands beside it. */
function Title({ source }: { source: Citation }) {
  const host = hostOf(source.url);
  if (!host) return <bdi>{source.title || source.url}</bdi>;
  return (
    <>
      <a href={source.url} title={source.url} target="_blank" rel="noopener noreferrer nofollow">
        <bdi>{source.title || source.url}</bdi>
      </a>{" "}
      <small>{host}</small>
    </>
  );
}

/** The host of a web address; empty for anything else. */
function hostOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed.host : "";
}
