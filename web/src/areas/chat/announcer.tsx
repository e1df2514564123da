// For those who listen: that an answer has begun, and then all of it at once, not word by word.
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Live } from "./live";
import { spoken } from "./markdown_text";

const LONGEST = 2000;

export function Announcer({ live }: { live: Live | undefined }) {
  const { t } = useTranslation("chat");
  const before = useRef<Live | undefined>(undefined);
  const [text, setText] = useState("");
  useEffect(() => {
    const ended = before.current;
    before.current = live;
    if (live && !ended) setText(t("thinking"));
    if (!live && ended) {
      const said = ended.answers.map((answer) => spoken(answer.text)).join("\n\n");
      setText(`${t("answer")}: ${said.slice(0, LONGEST)}`);
    }
  }, [live, t]);
  return (
    <div className="unseen" role="status" data-announcer>
      {text}
    </div>
  );
}
