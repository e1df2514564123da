// One message of the branch: a person's question, or a model's answer, with what can be done about it.
import { memo, type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Said } from "../../api/conversations";
import { Button, IconButton } from "../../parts/button";
import { useCopy } from "./copy";
import { isPlainEnter } from "./keys";
import { LongText } from "./long_text";
import { Parts } from "./parts";
import { Thumbs } from "./thumbs";
import { type Node, textOf } from "./tree";
import styles from "./turn.module.css";

export type TurnActions = {
  pick: (parent: string | null, child: string) => void;
  edit: (id: string) => void;
  cancelEdit: () => void;
  /** Answer a question once more. */
  again: (question: string) => void;
  /** Say something else in a question's place. */
  resend: (parent: string | null, text: string) => void;
};

type TurnProps = {
  node: Node;
  conversation: string;
  actions: TurnActions;
  last: boolean;
  editing: boolean;
  /** Something is being written: nothing else may be asked meanwhile. */
  frozen: boolean;
};

export const Turn = memo((props: TurnProps) => {
  const { t } = useTranslation("chat");
  const { said } = props.node;
  if (said.role === "user") return <Question {...props} />;
  if (said.role === "assistant") return <Answer {...props} />;
  if (said.role === "system")
    return (
      <details className={styles.system}>
        <summary>{t("systemPrompt")}</summary>
        <p>{textOf(said)}</p>
      </details>
    );
  return (
    <div id={`m-${said.id}`} tabIndex={-1}>
      <Parts said={said} />
    </div>
  );
}, same);

/** A node is made anew whenever the tree is, but what it shows seldom changes: long conversations stay still. */
function same(before: TurnProps, after: TurnProps): boolean {
  const { node, ...others } = before;
  const { node: next, ...nexts } = after;
  return (
    sameNode(node, next) &&
    others.actions === nexts.actions &&
    others.last === nexts.last &&
    others.editing === nexts.editing &&
    others.frozen === nexts.frozen
  );
}

function sameNode(one: Node, other: Node): boolean {
  const [results, others] = [one.results ?? [], other.results ?? []];
  return (
    one.said === other.said &&
    one.siblings.length === other.siblings.length &&
    one.siblings.every((id, i) => id === other.siblings[i]) &&
    results.length === others.length &&
    results.every((result, i) => sameNode(result, others[i] ?? result))
  );
}

function Question({ node, actions, editing, frozen }: TurnProps) {
  const { t } = useTranslation("chat");
  const [copied, copy] = useCopy();
  const { said } = node;
  const text = textOf(said);
  return (
    <article className={styles.question} id={`m-${said.id}`} tabIndex={-1}>
      <h2 className="unseen">{t("you")}</h2>
      {editing ? (
        <Editor text={text} onCancel={actions.cancelEdit} onSend={(to) => actions.resend(said.parent, to)} />
      ) : (
        <>
          <LongText id={said.id} text={text} />
          <div className={styles.tools}>
            <Switch node={node} onPick={actions.pick} disabled={frozen} />
            <IconButton small icon="edit" label={t("edit")} disabled={frozen} onClick={() => actions.edit(said.id)} />
            <IconButton small icon={copied ? "check" : "copy"} label={t("copy")} onClick={() => copy(text)} />
          </div>
        </>
      )}
    </article>
  );
}

function Answer({ node, conversation, actions, last, frozen }: TurnProps) {
  const { t } = useTranslation("chat");
  const { said, results } = node;
  const versions = (of: Node) => <Switch node={of} onPick={actions.pick} disabled={frozen} />;
  const working = results && !last; // it called tools; the answer comes below
  return (
    <article
      className={`${styles.answer} ${last ? styles.last : working ? styles.working : ""}`}
      id={`m-${said.id}`}
      tabIndex={-1}
    >
      <h2 className="unseen">{t("answer")}</h2>
      {said.dropped ? <p className={styles.note}>{t("dropped", { count: said.dropped })}</p> : null}
      <Parts said={said} results={results} versions={versions} />
      <Ending said={said} />
      {working ? (
        versions(node)
      ) : (
        <Tools said={said} conversation={conversation} actions={actions} frozen={frozen}>
          {versions(node)}
        </Tools>
      )}
    </article>
  );
}

type ToolsProps = Pick<TurnProps, "conversation" | "actions" | "frozen"> & { said: Said; children: ReactNode };

function Tools({ said, conversation, actions, frozen, children }: ToolsProps) {
  const { t } = useTranslation("chat");
  const [copied, copy] = useCopy();
  return (
    <div className={styles.tools}>
      {children}
      <IconButton small icon={copied ? "check" : "copy"} label={t("copy")} onClick={() => copy(textOf(said))} />
      <IconButton
        small
        icon="again"
        label={t("again")}
        disabled={frozen || !said.parent}
        onClick={() => said.parent && actions.again(said.parent)}
      />
      {said.completion && <Thumbs said={said} conversation={conversation} />}
      {said.model && <span className={styles.model}>{said.model}</span>}
    </div>
  );
}

/** Why an answer is not whole. */
export function Ending({ said }: { said: Pick<Said, "finish_reason" | "parts"> }) {
  const { t } = useTranslation("chat");
  const reason = said.finish_reason;
  if (reason === "cancelled" || reason === "interrupted" || reason === "length")
    return <p className={styles.note}>{t(`ending.${reason}`)}</p>;
  return said.parts.length ? null : <p className={styles.note}>{t("ending.empty")}</p>;
}

/** ‹2/3›: other questions in this place, or other answers. */
function Switch({ node, onPick, disabled }: { node: Node; onPick: TurnActions["pick"]; disabled: boolean }) {
  const { t } = useTranslation("chat");
  const { said, siblings } = node;
  if (siblings.length < 2) return null;
  const at = siblings.indexOf(said.id);
  const go = (by: number) => onPick(said.parent, siblings[at + by] ?? said.id);
  return (
    <fieldset className={styles.switch} aria-label={t("versions")}>
      <IconButton small icon="left" label={t("previous")} disabled={disabled || at === 0} onClick={() => go(-1)} />
      <span>
        {at + 1}/{siblings.length}
      </span>
      <IconButton
        small
        icon="right"
        label={t("next")}
        disabled={disabled || at === siblings.length - 1}
        onClick={() => go(1)}
      />
    </fieldset>
  );
}

function Editor({ text, onSend, onCancel }: { text: string; onSend: (text: string) => void; onCancel: () => void }) {
  const { t } = useTranslation("chat");
  const [typed, setTyped] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(-1, -1);
  }, []);
  const send = () => typed.trim() && onSend(typed.trim());
  return (
    <form
      className={styles.editor}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        value={typed}
        aria-label={t("edit")}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onCancel();
          else if (isPlainEnter(event)) send();
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <div>
        <p>{t("editHint")}</p>
        <Button onClick={onCancel}>{t("common:cancel")}</Button>
        <Button kind="primary" type="submit" disabled={!typed.trim()}>
          {t("send")}
        </Button>
      </div>
    </form>
  );
}
