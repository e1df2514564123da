// The branch of a conversation that is shown, and asking something at its end or in its middle.
import { useCallback, useEffect, useMemo, useState } from "react";
import { newId } from "../../api/answers";
import type { Said } from "../../api/conversations";
import type { Sent } from "./composer";
import { dismiss, type Live, say } from "./live";
import { openPair } from "./pair";
import { useSampling } from "./sampling";
import { type Choices, choose, type Node, Tree } from "./tree";
import type { TurnActions } from "./turn";

export type Branch = {
  /** From the first message to the last one, or to the one that is being answered. */
  shown: Node[];
  /** Two answers at its end that wait for a vote. */
  pair: ReturnType<typeof openPair>;
  /** What is being written belongs below it. */
  asked: boolean;
  /** Show this child of a message; null: whichever comes next. */
  pick: (parent: string | null, child: string | null) => void;
};

export function useBranch(messages: Said[], sought: string | undefined, live: Live | undefined): Branch {
  const tree = useMemo(() => new Tree(messages), [messages]);
  const [choices, setChoices] = useState<Choices>(() => (sought ? tree.choicesTo(sought) : {}));
  // Only when another message is sought: afterwards the person may choose other branches.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (sought) setChoices((known) => ({ ...known, ...tree.choicesTo(sought) }));
  }, [sought]);
  const path = useMemo(() => tree.path(choices), [tree, choices]);
  const at = live ? path.findIndex((node) => node.said.id === live.question) : -1;
  const shown = useMemo(() => (at < 0 ? path : path.slice(0, at + 1)), [path, at]);
  const pick = useCallback<Branch["pick"]>((parent, child) => {
    setChoices(({ [parent ?? "root"]: _, ...others }) => (child ? { ...others, ...choose(parent, child) } : others));
  }, []);
  return { shown, pair: openPair(shown.at(-1)?.said, tree), asked: at >= 0, pick };
}

export function useAsking(id: string, branch: Branch, edit: (message: string | null) => void) {
  const { model, params } = useSampling();
  const { pick } = branch;
  const how = useMemo(() => ({ params, ...(model && { model }) }), [params, model]);
  const actions = useMemo<TurnActions>(
    () => ({
      pick,
      edit,
      cancelEdit: () => edit(null),
      again: (question) => {
        pick(question, null);
        say(id, { parent: question, n: 1, ...how });
      },
      resend: (parent, text) => {
        const message = { id: newId(), parent, content: text };
        edit(null);
        pick(parent, message.id);
        say(id, { message, n: 1, ...how });
      },
    }),
    [id, pick, edit, how],
  );
  const send = async (sent: Sent) => {
    dismiss(id);
    // A question that got no answer is not answered by the next one: that stands in its place.
    const last = branch.shown.at(-1)?.said;
    const parent = (last?.role === "user" ? last.parent : last?.id) ?? null;
    const message = { id: newId(), parent, content: sent.text };
    pick(parent, message.id);
    say(id, { message, n: sent.n, ...how });
  };
  return { actions, send };
}
