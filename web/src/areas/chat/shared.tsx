// A shared snapshot, for whoever has the link: read-only, and it says nothing of whose it is.
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { fetchShared, type SharedChat } from "../../api/conversations";
import { ApiError } from "../../api/http";
import { Mark } from "../../parts/mark";
import { Empty, Failed, Loading } from "../../parts/states";
import { LongText } from "./long_text";
import page from "./page.module.css";
import { Parts } from "./parts";
import styles from "./shared.module.css";
import { folded, type Node, textOf } from "./tree";
import turn from "./turn.module.css";

export function Shared() {
  const { t } = useTranslation("chat");
  const { token } = useParams({ from: "/s/$token" });
  const shared = useQuery({ queryKey: ["shared", token], queryFn: () => fetchShared(token) });
  const title = shared.data?.title || t("untitled");
  useEffect(() => {
    document.title = shared.data ? `${title} · mynah` : "mynah";
  }, [shared.data, title]);
  return (
    <div className={styles.shared}>
      <header>
        <Link to="/">
          <Mark size={24} onDark />
          mynah
        </Link>
        <span>{t("sharedNote")}</span>
      </header>
      <main className={page.column}>
        {shared.isPending && <Loading lines={8} />}
        {shared.isError && shared.error instanceof ApiError && shared.error.status === 404 && (
          <Empty title={t("sharedGone")}>
            <p>{t("sharedGoneText")}</p>
          </Empty>
        )}
        {shared.isError && !(shared.error instanceof ApiError && shared.error.status === 404) && (
          <Failed error={shared.error} onRetry={() => void shared.refetch()} />
        )}
        {shared.data && <h1>{title}</h1>}
        {shared.data &&
          branch(shared.data).map(({ said, results }) => (
            <article key={said.id} className={said.role === "user" ? turn.question : turn.answer}>
              <h2 className="unseen">{t(said.role === "user" ? "asker" : "answer")}</h2>
              {said.role === "user" ? <LongText text={textOf(said)} /> : <Parts said={said} results={results} />}
            </article>
          ))}
      </main>
    </div>
  );
}

/** Its messages have no ids; they never change, so their places will do. */
function branch({ messages }: SharedChat): Node[] {
  const said = messages.filter(({ role }) => role !== "system");
  const nodes = said.map((one, i) => ({ ...one, id: String(i), parent: null, created_at: "" }));
  return folded(nodes.map((one) => ({ said: one, siblings: [one.id] })));
}
