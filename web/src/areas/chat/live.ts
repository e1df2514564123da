// Answers that are being written, of all conversations: they go on while the person looks at another one.
import i18next from "i18next";
import { useSyncExternalStore } from "react";
import { type AnswerEvent, type Ask, ask, readOn, type StreamError, stopStream } from "../../api/answers";
import { type Conversation, fetchConversation, type Listed, type Said } from "../../api/conversations";
import { ApiError, Unreachable } from "../../api/http";
import { FORGOTTEN, queries } from "../../app/query";
import { toast } from "../../parts/toast";

export type LiveAnswer = { id: string; text: string; done: boolean; finish_reason: string | null; model?: string };

export type Live = {
  conversation: string;
  /** The message that is answered. */
  question: string;
  answers: LiveAnswer[];
  /** `broken`: nothing more comes; `again` reads on where there is something to read, and asks once more where not. */
  state: "asked" | "writing" | "reconnecting" | "broken";
  error: unknown;
  again?: () => void;
};

type Entry = {
  live: Live;
  stream: string;
  last: string;
  abort: AbortController;
  stopped: boolean;
  /** Messages that were there before it was asked. */
  before: Set<string>;
};

const entries = new Map<string, Entry>();
/** Streams that were read to their end: what was fetched a moment before may still say that they are being written. */
const over = new Set<string>();
const listeners = new Set<() => void>();
const RETRIES = 8;

let scheduled = false;
/** However many words come, the page is drawn once a frame. */
function changed(entry: Entry, changes: Partial<Live>) {
  entry.live = { ...entry.live, ...changes };
  redraw();
}

function redraw() {
  if (scheduled) return;
  scheduled = true;
  const tell = () => {
    scheduled = false;
    for (const listener of listeners) listener();
  };
  if (document.hidden) setTimeout(tell, 200);
  else requestAnimationFrame(tell);
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function useLive(conversation: string): Live | undefined {
  return useSyncExternalStore(subscribe, () => entries.get(conversation)?.live);
}

export const conversationKey = (id: string) => ["conversation", id];

/** Ask, with the person's words in the conversation at once. */
export function say(conversation: string, of: Ask) {
  const question = of.message?.id ?? of.parent ?? "";
  if (of.message) {
    void queries.cancelQueries({ queryKey: conversationKey(conversation) }); // it would not know of these words yet
    const { id, parent, content } = of.message;
    const created_at = new Date().toISOString();
    addMessages(conversation, [{ id, parent, role: "user", parts: [{ type: "text", text: content }], created_at }]);
  }
  const { message: _, ...rest } = of;
  const entry: Entry = begin(conversation, question, () => {
    if (goesOn(entry)) takeUp(entry);
    else say(conversation, entry.last ? { ...rest, parent: question } : of); // with an event, the words have arrived
  });
  void follow(entry, (signal) => ask(conversation, of, signal));
}

/** Read on what an earlier page, or another one, asked for. */
export function resume(conversation: string, stream: string, question: string) {
  const there = entries.get(conversation);
  if (over.has(stream) || (there && there.live.state !== "broken")) return;
  if (there?.stream === stream) return takeUp(there);
  const entry: Entry = begin(conversation, question, () => {
    if (goesOn(entry)) return takeUp(entry);
    end(entry); // what the service has of it can be answered again
    void told(entry);
  });
  entry.stream = stream;
  void follow(entry, (signal) => readOn(stream, "", signal));
}

/** The service writes it, or has written it, whether anybody reads or not. */
const goesOn = (entry: Entry) => entry.stream !== "" && !over.has(entry.stream);

/** Read on where the connection broke. */
function takeUp(entry: Entry) {
  changed(entry, { state: "reconnecting", error: null });
  void follow(entry, (signal) => readOn(entry.stream, entry.last, signal));
}

addEventListener("online", () => {
  for (const entry of entries.values()) if (entry.live.state === "broken" && goesOn(entry)) takeUp(entry);
});

addEventListener(FORGOTTEN, () => {
  for (const entry of entries.values()) entry.abort.abort();
  entries.clear();
  redraw();
});

export function stop(conversation: string): boolean {
  const entry = entries.get(conversation);
  if (!entry || entry.live.state === "broken" || entry.stopped) return false;
  entry.stopped = true;
  if (entry.stream) void cease(entry);
  return true;
}

/** Tell the service to stop. Where that does not arrive, the answer goes on being written and can be stopped again. */
async function cease(entry: Entry) {
  try {
    await stopStream(entry.stream);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return; // it was over by then
    entry.stopped = false;
    if (entries.get(entry.live.conversation) === entry) toast(i18next.t("chat:notStopped"), { bad: true });
  }
}

/** Put away what went wrong. */
export function dismiss(conversation: string) {
  const entry = entries.get(conversation);
  if (entry?.live.state === "broken") end(entry);
}

/** Put away what was lost on the way and is in the conversation by now. */
export function settle(conversation: string) {
  const entry = entries.get(conversation);
  if (entry?.live.state === "broken" && !over.has(entry.stream) && isThere(entry)) end(entry);
}

/** The conversation, as it is known, holds what was being written. */
function isThere({ live, before }: Entry): boolean {
  const messages = queries.getQueryData<Conversation>(conversationKey(live.conversation))?.messages ?? [];
  if (live.answers.length) return live.answers.every(({ id }) => messages.some((said) => said.id === id));
  return messages.some((said) => said.parent === live.question && !before.has(said.id));
}

function begin(conversation: string, question: string, again: () => void): Entry {
  entries.get(conversation)?.abort.abort();
  const live: Live = { conversation, question, answers: [], state: "asked", error: null, again };
  const known = queries.getQueryData<Conversation>(conversationKey(conversation))?.messages ?? [];
  const before = new Set(known.map((said) => said.id));
  const entry: Entry = { live, stream: "", last: "", abort: new AbortController(), stopped: false, before };
  entries.set(conversation, entry);
  changed(entry, {});
  return entry;
}

function end(entry: Entry) {
  if (entries.get(entry.live.conversation) === entry) entries.delete(entry.live.conversation);
  changed(entry, {});
}

type Source = (signal: AbortSignal) => AsyncGenerator<{ id: string; event: AnswerEvent }>;

/** Read to the end; a connection that breaks is taken up again where it broke. */
async function follow(entry: Entry, source: Source) {
  let read = source;
  for (let attempt = 0; ; attempt += 1) {
    try {
      for await (const { id, event } of read(entry.abort.signal)) {
        if (!event.type && event.error.code === "not_signed_in") continue; // the next try says whether that is so
        attempt = 0;
        entry.last = id || entry.last;
        take(entry, event);
        if (!event.type) break;
      }
      return finish(entry);
    } catch (error) {
      if (entry.abort.signal.aborted) return;
      const refused = error instanceof ApiError;
      if (refused && entry.stream && error.status === 404) return recover(entry); // it ended long ago, or a restart cut it
      if (refused || !entry.stream || attempt >= RETRIES) return fail(entry, refused ? error : new Unreachable());
      changed(entry, { state: "reconnecting" });
      await new Promise((resolve) => setTimeout(resolve, Math.min(300 * 2 ** attempt, 5000)));
      read = (signal) => readOn(entry.stream, entry.last, signal);
    }
  }
}

function take(entry: Entry, event: AnswerEvent) {
  const { answers } = entry.live;
  const change = (id: string, next: (answer: LiveAnswer) => LiveAnswer) =>
    changed(entry, { state: "writing", answers: answers.map((answer) => (answer.id === id ? next(answer) : answer)) });
  if (event.type === "started") {
    entry.stream = event.stream;
    if (entry.stopped) void cease(entry); // stopped before we knew what to stop
    const blank = { text: "", done: false, finish_reason: null };
    if (!queries.getQueryData<Conversation>(conversationKey(entry.live.conversation))?.title) void told(entry);
    changed(entry, { state: "writing", answers: event.answers.map((id) => ({ id, ...blank })) });
  } else if (event.type === "delta") change(event.answer, (answer) => ({ ...answer, text: answer.text + event.text }));
  else if (event.type === "finished")
    change(event.answer, (answer) => ({
      ...answer,
      done: true,
      finish_reason: event.finish_reason,
      ...(event.model && { model: event.model }),
    }));
  else changed(entry, { error: asError(event.error) });
}

const asError = ({ message, code }: StreamError) => new ApiError(500, message, code ?? null, null);

/** Nothing more comes for now. Whoever comes back to the conversation asks what became of it; but not where the service
 *  refused it: words that it did not take are known here only. */
function fail(entry: Entry, error: unknown) {
  const { conversation } = entry.live;
  const refused = error instanceof ApiError && !entry.stream;
  if (!refused) void queries.invalidateQueries({ queryKey: conversationKey(conversation), refetchType: "none" });
  changed(entry, { state: "broken", error });
  settle(conversation);
}

/** Ask what the service made of it: the title, the place in the history, tool steps. */
async function told(entry: Entry) {
  await Promise.all([
    queries.invalidateQueries({ queryKey: conversationKey(entry.live.conversation) }),
    queries.invalidateQueries({ queryKey: ["history"] }),
  ]);
}

/** It can be read no more: what became of it is in the conversation, which is shown once it is known. */
async function recover(entry: Entry) {
  const { conversation } = entry.live;
  try {
    await queries.fetchQuery({
      queryKey: conversationKey(conversation),
      queryFn: () => fetchConversation(conversation),
      staleTime: 0,
    });
  } catch (error) {
    if (!entry.abort.signal.aborted) fail(entry, error);
    return;
  }
  over.add(entry.stream);
  end(entry);
  await queries.invalidateQueries({ queryKey: ["history"] });
}

/** What was written becomes part of the conversation. */
async function finish(entry: Entry) {
  const { conversation, question, answers, error } = entry.live;
  if (entry.stream) over.add(entry.stream);
  const [left, right] = answers;
  const pair = left && right;
  addMessages(
    conversation,
    answers.map((answer, i) => ({
      id: answer.id,
      parent: question,
      role: "assistant",
      parts: answer.text ? [{ type: "text", text: answer.text }] : [],
      created_at: new Date().toISOString(),
      completion: answer.id,
      finish_reason: answer.finish_reason,
      ...(answer.model && { model: answer.model }),
      ...(pair && { side: i ? "right" : "left", beside: i ? left.id : right.id }),
    })),
  );
  if (error) changed(entry, { state: "broken" });
  else end(entry);
  await told(entry);
}

/** Add messages to what is known of a conversation; those that are there already stay as they are. */
export function addMessages(conversation: string, added: Said[]) {
  queries.setQueryData<Conversation>(conversationKey(conversation), (known) => {
    if (!known) return known;
    const ids = new Set(known.messages.map((said) => said.id));
    return { ...known, messages: [...known.messages, ...added.filter((said) => !ids.has(said.id))] };
  });
}

/** A conversation that was just begun is known to be empty. */
export function knowNew(listed: Listed) {
  queries.setQueryData<Conversation>(conversationKey(listed.id), { ...listed, messages: [], streams: [] });
}
