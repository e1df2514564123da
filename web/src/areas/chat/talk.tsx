// One conversation: the chosen branch, the answer that is being written at its end, and the field below.
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { newId } from "../../api/answers";
import { type Conversation, fetchConversation } from "../../api/conversations";
import { ApiError } from "../../api/http";
import { useShortcuts } from "../../app/shortcuts";
import { IconButton } from "../../parts/button";
import { Empty, Failed, Loading } from "../../parts/states";
import { Announcer } from "./announcer";
import { ChatMenu } from "./chat_menu";
import { Composer, type Sent } from "./composer";
import { conversationKey, dismiss, resume, say, stop, useLive } from "./live";
import { LiveTurn } from "./live_turn";
import styles from "./page.module.css";
import { openPair, Pair } from "./pair";
import { useSampling } from "./sampling";
import { Scroller } from "./scroller";
import { type Choices, choose, type Node, Tree, textOf } from "./tree";
import { Turn, type TurnActions } from "./turn";

const ShareDialog = lazy(() => import("./share"));

export function Talk({ id, sought }: { id: string; sought: string | undefined }) {
  const { t } = useTranslation("chat");
  const conversation = useQuery({ queryKey: conversationKey(id), queryFn: () => fetchConversation(id) });
  const data = conversation.data;
  useEffect(() => {
    for (const stream of data?.streams ?? []) resume(id, stream.id, stream.parent);
  }, [id, data?.streams]);
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
  const sampling = useSampling();
  const tree = useMemo(() => new Tree(data.messages), [data.messages]);
  const [choices, setChoices] = useState<Choices>(() => (sought ? tree.choicesTo(sought) : {}));
  const [editing, setEditing] = useState<string | null>(null);
  const [sharing, setSharing] = useState<string | null>(null);
  const path = useMemo(() => tree.path(choices), [tree, choices]);
  useEffect(() => {
    if (sought) setChoices((known) => ({ ...known, ...tree.choicesTo(sought) }));
  }, [sought, tree]);
  useEffect(() => {
    document.title = data.title ? `${data.title} · mynah` : "mynah";
  }, [data.title]);

  // What is being written stands below its question, if that is on the branch that is shown.
  const asked = live ? path.findIndex((node) => node.said.id === live.question) : -1;
  const shown = live && asked >= 0 ? path.slice(0, asked + 1) : path;
  const last = shown.at(-1)?.said;
  const pair = openPair(last, tree);
  const writing = live !== undefined && live.state !== "broken";

  const pick = useCallback((parent: string | null, child: string) => {
    setChoices((known) => ({ ...known, ...choose(parent, child) }));
  }, []);
  const actions = useMemo<TurnActions>(
    () => ({
      pick,
      edit: setEditing,
      cancelEdit: () => setEditing(null),
      share: setSharing,
      again: (question) => {
        setChoices((known) => without(known, question));
        say(id, { parent: question, n: 1, params: sampling.params, ...(sampling.model && { model: sampling.model }) });
      },
      resend: (parent, text) => {
        const message = { id: newId(), parent, content: text };
        setEditing(null);
        setChoices((known) => ({ ...known, ...choose(parent, message.id) }));
        say(id, { message, n: 1, params: sampling.params, ...(sampling.model && { model: sampling.model }) });
      },
    }),
    [id, pick, sampling.params, sampling.model],
  );
  const send = async (sent: Sent) => {
    dismiss(id);
    const parent = path.at(-1)?.said.id ?? null;
    const message = { id: newId(), parent, content: sent.text };
    setChoices((known) => without(known, parent ?? "root"));
    say(id, { message, n: sent.n, params: sent.params, ...(sent.model && { model: sent.model }) });
  };
  const editLast = () => {
    const question = shown.findLast((node) => node.said.role === "user");
    if (question && !writing) setEditing(question.said.id);
  };
  useShortcuts({
    escape: () => (stop(id) ? undefined : false),
    copy: () => {
      const answer = shown.findLast((node) => node.said.role === "assistant");
      if (answer) void navigator.clipboard.writeText(textOf(answer.said));
    },
  });

  return (
    <div className={styles.talk}>
      <header className={styles.bar}>
        <h1 className={styles.title}>{data.title || t(data.temporary ? "temporary" : "untitled")}</h1>
        {last && !data.temporary && (
          <IconButton icon="share" label={t("share")} onClick={() => setSharing(last.id)} disabled={writing} />
        )}
        {!data.temporary && <ChatMenu talk={data} />}
      </header>
      <Scroller nodes={pair ? shown.slice(0, -1) : shown} sought={sought} following={live} key={id}>
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
        {pair && !live && <Pair conversation={id} left={pair.left} right={pair.right} onChosen={pick} />}
        {live && asked >= 0 && <LiveTurn live={live} />}
      </Scroller>
      <Announcer live={live} />
      <div className={styles.foot}>
        <Composer
          place={data.temporary ? null : id}
          onSend={send}
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

function without(choices: Choices, parent: string): Choices {
  const { [parent]: _, ...rest } = choices;
  return rest;
}
