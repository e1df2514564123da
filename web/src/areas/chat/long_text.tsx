// What a person wrote, as it is. A long text is folded; unfolded it is laid out piece by piece, as it is scrolled to.
import { memo, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./turn.module.css";

const LINES = 40;
const CHARACTERS = 4000;
const PIECE = 200;

export const LongText = memo(({ text }: { text: string }) => {
  const { t } = useTranslation("chat");
  const [open, setOpen] = useState(false);
  const lines = useMemo(() => text.split("\n"), [text]);
  const long = lines.length > LINES || text.length > CHARACTERS;
  if (!long) return <p className={styles.said}>{text}</p>;
  return (
    <>
      {open ? (
        <div className={styles.unfolded}>
          {pieces(lines).map((piece, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a text that never changes
            <p key={i}>{piece}</p>
          ))}
        </div>
      ) : (
        <p className={`${styles.said} ${styles.folded}`}>{lines.slice(0, 12).join("\n").slice(0, 1200)}</p>
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
