// The chat that begins: an empty field, and what one could ask.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { newId } from "../../api/answers";
import { fetchStarters, startConversation } from "../../api/conversations";
import { IconButton } from "../../parts/button";
import { Mark } from "../../parts/mark";
import { Composer, type Sent } from "./composer";
import { knowNew, say } from "./live";
import styles from "./page.module.css";

export function NewChat() {
  const { t, i18n } = useTranslation("chat");
  const navigate = useNavigate();
  const [temporary, setTemporary] = useState(false);
  const [text, setText] = useState<string>();
  const starters = useQuery({ queryKey: ["starters", i18n.language], queryFn: () => fetchStarters(i18n.language) });
  useEffect(() => {
    document.title = "mynah";
    void import("./page"); // what an answer needs, while the person is still typing
  }, []);

  const send = async (sent: Sent) => {
    const listed = await startConversation({ temporary, system: sent.system });
    knowNew(listed);
    say(listed.id, {
      message: { id: newId(), parent: null, content: sent.text },
      n: sent.n,
      params: sent.params,
      ...(sent.model && { model: sent.model }),
    });
    void navigate({ to: "/c/$id", params: { id: listed.id } }); // the words have left, whether it is shown or not
  };

  return (
    <div className={styles.fresh}>
      <header className={styles.bar}>
        <span />
        <IconButton
          icon="ghost"
          label={t("temporary")}
          aria-pressed={temporary}
          onClick={() => setTemporary(!temporary)}
        />
      </header>
      <div className={styles.start}>
        <div className={styles.hello}>
          <Mark size={40} />
          <h1>{temporary ? t("helloTemporary") : t("hello")}</h1>
          {temporary ? <p>{t("temporaryText")}</p> : starters.data?.about && <p>{starters.data.about}</p>}
        </div>
        <Composer place={temporary ? null : "new"} onSend={send} fresh given={text} autoFocus />
        <ul className={styles.starters} aria-label={t("starters")}>
          {starters.data?.items.slice(0, 4).map((starter) => (
            <li key={starter.text}>
              <button type="button" onClick={() => setText(starter.text)}>
                {starter.text}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
