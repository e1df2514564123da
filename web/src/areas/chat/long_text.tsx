// What a person wrote, as it is. A long text is folded; unfolded it is laid out piece by piece, as it is scrolled to.
import { createContext, memo, useContext, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./turn.module.css";

const LINES = 40;
const CHARACTERS = 4000;
const PIECE = 200;

/** The turn in which something was found: its text opens. */
export const FoundIn = createContext("");

/** Whether only the beginning of a text is shown at first. */
export const isLong = (text: string) => text.length > CHARACTERS || text.split("\n", LINES + 1).length > LINES;

export const LongText = memo(({ id = "", text }: { id?: string; text: string }) => {
  const { t } = useTranslation("chat");
  const [open, setOpen] = useState(false);
  const lines = useMemo(() => text.split("\n"), [text]);
  const found = useContext(FoundIn) === id && id !== "";
  useEffect(() => {
    if (found) setOpen(true);
  }, [found]);
  if (!isLong(text))
    return (
      <p className={styles.said} data-text>
        {text}
      </p>
    );
  return (
    <>
      {open ? (
        <div className={styles.unfolded} data-text>
          {pieces(lines).map((piece, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a text that never changes
            <p key={i}>{piece}</p>
          ))}
        </div>
      ) : (
        <p className={`${styles.said} ${styles.folded}`} data-text>
          {lines.slice(0, 12).join("\n").slice(0, 1200)}
        </p>
      )}
      <button type="button" className={styles.unfold} aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? t("fold") : t("unfold", { count: lines.length })}
      </button>
    </>
  );
});

function pieces(lines: string[]): string[] {
  const made: string[] = [];
  for (let at = 0; at < lines.length; at += PIECE) made.push(lines.slice(at, at + PIECE).join("\n"));
  return made;
}
