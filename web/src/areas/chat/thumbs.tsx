// Thumbs with reasons: the thumb counts at once, reasons and words can follow.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Conversation, giveFeedback, type Reaction, type Said } from "../../api/conversations";
import { queries } from "../../app/query";
import { useShortcuts } from "../../app/shortcuts";
import { Button, IconButton } from "../../parts/button";
import { TextArea } from "../../parts/field";
import { errorText } from "../../parts/states";
import { toast } from "../../parts/toast";
import { ConsentQuestion, useConsent } from "./consent";
import { conversationKey } from "./live";
import styles from "./thumbs.module.css";

const REASONS = {
  1: ["correct", "helpful", "clear", "well_written"],
  [-1]: ["wrong", "not_followed", "unclear", "too_long", "harmful"],
} as const;

export function Thumbs({ said, conversation }: { said: Said; conversation: string }) {
  const { t } = useTranslation("chat");
  const [open, setOpen] = useState(false);
  const thumb = said.reaction?.thumb ?? 0;

  const give = async (reaction: Reaction) => {
    const before = said.reaction;
    const keep = (to: Reaction | undefined) =>
      queries.setQueryData<Conversation>(conversationKey(conversation), (known) => {
        if (!known) return known;
        const messages = known.messages.map((one) => {
          if (one.id !== said.id) return one;
          const { reaction: _, ...rest } = one;
          return to ? { ...rest, reaction: to } : rest;
        });
        return { ...known, messages };
      });
    keep(reaction);
    try {
      const { thumb: rating, reasons, comment } = reaction;
      await giveFeedback({ completion: said.completion ?? "", rating: rating ?? 0, reasons, comment });
    } catch (error) {
      keep(before);
      toast(errorText(error, t("common:offline")), { bad: true });
      throw error;
    }
  };
  const press = (to: 1 | -1) => {
    const off = thumb === to;
    setOpen(!off);
    void give({ thumb: off ? 0 : to, reasons: [], comment: "" }).catch(() => setOpen(false));
  };
  return (
    <>
      <IconButton small icon="thumbUp" label={t("good")} aria-pressed={thumb === 1} onClick={() => press(1)} />
      <IconButton small icon="thumbDown" label={t("bad")} aria-pressed={thumb === -1} onClick={() => press(-1)} />
      {open && (thumb === 1 || thumb === -1) && (
        <Reasons key={thumb} thumb={thumb} reaction={said.reaction} onClose={() => setOpen(false)} onGive={give} />
      )}
    </>
  );
}

type ReasonsProps = {
  thumb: 1 | -1;
  reaction: Reaction | undefined;
  onClose: () => void;
  onGive: (reaction: Reaction) => Promise<void>;
};

function Reasons({ thumb, reaction, onClose, onGive }: ReasonsProps) {
  const { t } = useTranslation("chat");
  const [reasons, setReasons] = useState<string[]>(reaction?.reasons ?? []);
  const [comment, setComment] = useState(reaction?.comment ?? "");
  const [busy, setBusy] = useState(false);
  const consent = useConsent();
  useShortcuts({ escape: onClose });
  const toggle = (reason: string) =>
    setReasons(reasons.includes(reason) ? reasons.filter((one) => one !== reason) : [...reasons, reason]);
  return (
    <form
      className={styles.reasons}
      onSubmit={async (event) => {
        event.preventDefault();
        setBusy(true);
        try {
          await onGive({ thumb, reasons, comment: comment.trim() });
          toast(t(consent ? "thanks" : "thanksOnly"));
          onClose();
        } catch {
          setBusy(false);
        }
      }}
    >
      <fieldset>
        <legend>
          {t("kept")} {t(thumb === 1 ? "whyGood" : "whyBad")}
        </legend>
        {REASONS[thumb].map((reason) => (
          <button key={reason} type="button" aria-pressed={reasons.includes(reason)} onClick={() => toggle(reason)}>
            {t(`reason.${reason}`)}
          </button>
        ))}
      </fieldset>
      <TextArea
        label={t("comment")}
        value={comment}
        maxLength={2000}
        onChange={(event) => setComment(event.target.value)}
      />
      <ConsentQuestion />
      <div className={styles.actions}>
        <Button kind="quiet" onClick={onClose}>
          {t("common:close")}
        </Button>
        <Button type="submit" busy={busy} disabled={!reasons.length && !comment.trim()}>
          {t("sendFeedback")}
        </Button>
      </div>
    </form>
  );
}
