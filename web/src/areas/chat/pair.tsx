// Two answers side by side, blind: which model gave which is told after the vote.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Conversation, type Said, vote } from "../../api/conversations";
import { queries } from "../../app/query";
import { Button } from "../../parts/button";
import { errorText } from "../../parts/states";
import { toast } from "../../parts/toast";
import { conversationKey } from "./live";
import styles from "./pair.module.css";
import { Parts } from "./parts";
import type { Tree } from "./tree";
import { Ending } from "./turn";

const OUTCOMES = ["a", "b", "tie", "both_bad"] as const;
type Outcome = (typeof OUTCOMES)[number];

/** Pairs that the person left without a vote, while the page is open. */
const skipped = new Set<string>();

/** The pair that waits for a vote at the end of a branch. */
export function openPair(last: Said | undefined, tree: Tree): { left: Said; right: Said } | null {
  const other = last?.beside ? tree.byId.get(last.beside) : undefined;
  if (!last?.side || !other || last.model || skipped.has(last.id)) return null;
  return last.side === "left" ? { left: last, right: other } : { left: other, right: last };
}

type PairProps = {
  conversation: string;
  left: Said;
  right: Said;
  onChosen: (parent: string | null, child: string) => void;
};

export function Pair({ conversation, left, right, onChosen }: PairProps) {
  const { t } = useTranslation("chat");
  const [busy, setBusy] = useState<Outcome>();
  const act = async (outcome: Outcome) => {
    setBusy(outcome);
    try {
      const { models } = await vote({ a: left.id, b: right.id, outcome });
      queries.setQueryData<Conversation>(
        conversationKey(conversation),
        (known) => known && { ...known, messages: known.messages.map((said) => withModel(said, models[said.id])) },
      );
      onChosen(left.parent, outcome === "b" ? right.id : left.id);
      const [a, b] = [models[left.id], models[right.id]];
      toast(a === b ? t("revealedOne", { model: a }) : t("revealed", { a, b }));
    } catch (error) {
      toast(errorText(error, t("common:offline")), { bad: true });
      setBusy(undefined);
    }
  };
  const skip = () => {
    skipped.add(left.id).add(right.id);
    onChosen(left.parent, left.id);
  };
  return (
    <article className={styles.whole}>
      <h2 className="unseen">{t("twoAnswers")}</h2>
      <div className={styles.pair}>
        {[left, right].map((said, i) => (
          <section key={said.id} aria-label={t(i ? "sideB" : "sideA")}>
            <h3>{i ? "B" : "A"}</h3>
            <Parts said={said} />
            <Ending said={said} />
          </section>
        ))}
      </div>
      <fieldset className={styles.vote}>
        <legend>{t("whichBetter")}</legend>
        {OUTCOMES.map((outcome) => (
          <Button key={outcome} busy={busy === outcome} disabled={busy !== undefined} onClick={() => void act(outcome)}>
            {t(`vote.${outcome}`)}
          </Button>
        ))}
        <Button kind="quiet" disabled={busy !== undefined} onClick={skip}>
          {t("skip")}
        </Button>
      </fieldset>
    </article>
  );
}

const withModel = (said: Said, model: string | undefined): Said => (model ? { ...said, model } : said);
