// One conversation: the chosen branch, the answer that is being written at its end, and the field below.
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Conversation, fetchConversation } from "../../api/conversations";
import { ApiError } from "../../api/http";
import { useShortcuts } from "../../app/shortcuts";
import { IconButton } from "../../parts/button";
import { Empty, Failed, Loading } from "../../parts/states";
import { Announcer } from "./announcer";
import { useAsking, useBranch } from "./branch";
import { ChatMenu } from "./chat_menu";
import { Composer } from "./composer";
import { Find } from "./find";
import { conversationKey, resume, settle, stop, useLive } from "./live";
import { LiveTurn } from "./live_turn";
import { FoundIn, isLong } from "./long_text";
import styles from "./page.module.css";
import { Pair } from "./pair";
import { Scroller } from "./scroller";
import { useStretch } from "./stretch";
import { folded, type Node, textOf } from "./tree";
import { Turn } from "./turn";

const ShareDialog = lazy(() => import("./share"));

export function Talk({ id, sought }: { id: string; sought: string | undefined }) {
  const { t } = useTranslation("chat");
  const conversation = useQuery({ queryKey: conversationKey(id), queryFn: () => fetchConversation(id) });
  const data = conversation.data;
  useEffect(() => {
    for (const stream of data?.streams ?? []) resume(id, stream.id, stream.parent);
  }, [id, data?.streams]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever other messages are known
  useEffect(() => settle(id), [id, data?.messages]);
  if (data) return <Open id={id} data={data} sought={sought} />;
  return (
    <div className={styles.talk}>
      <div className={styles.column}>
        {conversation.error instanceof ApiError && conversation.error.status === 404 ? (
          <Empty title={t("noChat")}>
            <p>{t("noChatText")}</p>
          </Empty>
        ) : conversation.isError ? (
          <Failed error={conversation.error} onRetry={() => void conversation.refetch()} />
        ) : (
          <Loading lines={9} />
        )}
      </div>
    </div>
  );
}

function Open({ id, data, sought }: { id: string; data: Conversation; sought: string | undefined }) {
  const { t } = useTranslation("chat");
  const live = useLive(id);
  const [editing, setEditing] = useState<string | null>(null);
  const [sharing, setSharing] = useState<string | null>(null);
  const [finding, setFinding] = useState(false);
  const [foundIn, setFoundIn] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const branch = useBranch(data.messages, sought, live);
  const { shown, pair, asked } = branch;
  const paired = pair !== null;
  const drawn = useMemo(() => folded(paired ? shown.slice(0, -1) : shown), [shown, paired]);
  const stretch = useStretch(drawn.length, sought, sought ? drawn.findIndex((node) => node.said.id === sought) : -1);
  const last = shown.at(-1)?.said;
  const writing = live !== undefined && live.state !== "broken";
  const { actions, send } = useAsking(id, branch, setEditing);
  useEffect(() => {
    document.title = data.title ? `${data.title} · mynah` : "mynah";
  }, [data.title]);
  useShortcuts({
    find: () => {
      const all = stretch.from === 0 && stretch.end && !drawn.some(isFolded);
      return finding || all ? false : setFinding(true); // the browser's own search sees it all
    },
    escape: () => (stop(id) ? undefined : false),
    copy: () => {
      const answer = shown.findLast((node) => node.said.role === "assistant");
      if (answer) void navigator.clipboard.writeText(textOf(answer.said));
    },
  });
  const editLast = () => {
    const question = shown.findLast((node) => node.said.role === "user");
    if (question && !writing) setEditing(question.said.id);
  };

  return (
    <div className={styles.talk}>
      <header className={styles.bar}>
        <h1 className={styles.title}>{data.title || t(data.temporary ? "temporary" : "untitled")}</h1>
        {last && !data.temporary && (
          <IconButton icon="share" label={t("share")} onClick={() => setSharing(last.id)} disabled={writing} />
        )}
        {!data.temporary && <ChatMenu talk={data} onFind={() => setFinding(true)} />}
        {finding && (
          <Find nodes={drawn} stretch={stretch} box={box} onFound={setFoundIn} onClose={() => setFinding(false)} />
        )}
      </header>
      <FoundIn value={finding ? foundIn : ""}>
        <Scroller nodes={drawn} stretch={stretch} box={box} sought={sought} following={live}>
          {(node: Node, isLast: boolean) => (
            <Turn
              key={node.said.id}
              node={node}
              conversation={id}
              actions={actions}
              last={isLast && !live && !pair}
              editing={editing === node.said.id}
              frozen={writing}
            />
          )}
          {pair && !live && <Pair conversation={id} left={pair.left} right={pair.right} onChosen={branch.pick} />}
          {live && asked && <LiveTurn live={live} />}
        </Scroller>
      </FoundIn>
      <Announcer live={live} />
      <div className={styles.foot}>
        <Composer
          place={data.temporary ? null : id}
          onSend={(sent) => {
            stretch.toEnd();
            return send(sent);
          }}
          writing={writing}
          onStop={() => stop(id)}
          onEditLast={editLast}
          blocked={pair && !live ? t("voteFirst") : undefined}
          autoFocus={!sought}
        />
      </div>
      {sharing && (
        <Suspense>
          <ShareDialog conversation={id} message={sharing} onClose={() => setSharing(null)} />
        </Suspense>
      )}
    </div>
  );
}

/** A long text of which only the beginning is there. */
const isFolded = ({ said }: Node) => said.role === "user" && isLong(textOf(said));
