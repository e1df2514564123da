// The answer that is being written. It is told to those who listen once, when it is whole.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../parts/button";
import { errorText } from "../../parts/states";
import type { Live } from "./live";
import { GrowingMarkdown } from "./markdown";
import pairStyles from "./pair.module.css";
import styles from "./turn.module.css";

export function LiveTurn({ live }: { live: Live }) {
  const { t } = useTranslation("chat");
  const pair = live.answers.length === 2;
  const waiting = live.state !== "broken" && !live.answers.some((answer) => answer.text);
  return (
    <article className={pair ? pairStyles.whole : styles.answer} aria-busy={live.state !== "broken"}>
      <h2 className="unseen">{t("answer")}</h2>
      {pair ? (
        <div className={pairStyles.pair}>
          {live.answers.map((answer, i) => (
            <section key={answer.id} aria-label={t(i ? "sideB" : "sideA")}>
              <h3>{i ? "B" : "A"}</h3>
              <GrowingMarkdown text={answer.text} />
            </section>
          ))}
        </div>
      ) : (
        live.answers.map((answer) => answer.text && <GrowingMarkdown key={answer.id} text={answer.text} />)
      )}
      {waiting && <Thinking />}
      {live.state === "reconnecting" && <p className={styles.note}>{t("reconnecting")}</p>}
      {live.state === "broken" && (
        <div className={styles.broken} role="alert">
          <p>{errorText(live.error, t("common:offlineHint"))}</p>
          {live.again && <Button onClick={live.again}>{t("common:retry")}</Button>}
        </div>
      )}
    </article>
  );
}

/** Nothing was said yet: a bird that opens its beak, after a moment. */
function Thinking() {
  const { t } = useTranslation("chat");
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), 6000);
    return () => clearTimeout(timer);
  }, []);
  return (
    <p className={styles.thinking}>
      <i aria-hidden="true" />
      <span className={long ? "" : "unseen"}>{t("thinking")}</span>
    </p>
  );
}
