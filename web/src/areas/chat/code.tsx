// A block of code: its language, a button to copy, and colours once the highlighter is there.
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../parts/icon";
import styles from "./code.module.css";
import { useCopy } from "./copy";

const LONGEST = 30_000; // longer code stays black: colouring it would hold up the page

export function Code({ source, language }: { source: string; language: string }) {
  const { t } = useTranslation("chat");
  const [copied, copy] = useCopy();
  const [coloured, setColoured] = useState<{ source: string; nodes: ReactNode }>();
  useEffect(() => {
    if (!language || source.length > LONGEST) return;
    let here = true;
    const timer = setTimeout(() => {
      void import("./highlight").then(({ highlight }) => {
        if (here) setColoured({ source, nodes: highlight(source, language) });
      });
    }, 60); // while it is still being written there is no point in colouring each word
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [source, language]);
  return (
    <figure className={styles.code}>
      <figcaption>
        <span>{language || t("code")}</span>
        <button type="button" onClick={() => copy(source)}>
          <Icon name={copied ? "check" : "copy"} size={16} />
          {copied ? t("copied") : t("copyCode")}
        </button>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
      <pre tabIndex={0}>
        <code>{coloured?.source === source ? coloured.nodes : source}</code>
      </pre>
    </figure>
  );
}
