// Asking for an answer, and reading it as it is written: also after a reload, from the event where one left off.
import { part, remove, send } from "./http";
import { serverEvents } from "./sse";

export type Params = { temperature?: number; top_p?: number; max_tokens?: number; seed?: number };

export type Ask = {
  /** New words; or, without, the message `parent` is answered again. */
  message?: { id: string; parent: string | null; content: string };
  parent?: string;
  model?: string;
  n: 1 | 2;
  params: Params;
};

export type AnswerEvent =
  | { type: "started"; stream: string; answers: string[]; message: string }
  | { type: "delta"; answer: string; text: string }
  | { type: "finished"; answer: string; finish_reason: string; usage?: Record<string, number>; model?: string }
  | { type: "error"; answer?: string; error: StreamError }
  /** Of the whole stream, as its last event. */
  | { type?: undefined; error: StreamError };
export type StreamError = { message: string; code?: string | null };

/** Each event with its id; ends after `[DONE]`, and raises TypeError if the connection broke before it. */
async function* read(response: Response): AsyncGenerator<{ id: string; event: AnswerEvent }> {
  for await (const { id, data } of serverEvents(response)) {
    if (data === "[DONE]") return;
    yield { id, event: JSON.parse(data) as AnswerEvent };
  }
  throw new TypeError("the stream broke off");
}

export async function* ask(conversation: string, of: Ask, signal: AbortSignal) {
  yield* read(await send("POST", `/api/conversations/${part(conversation)}/answers`, of, { signal }));
}

export async function* readOn(stream: string, lastEvent: string, signal: AbortSignal) {
  const headers: Record<string, string> = lastEvent ? { "Last-Event-ID": lastEvent } : {};
  yield* read(await send("GET", `/api/streams/${part(stream)}`, undefined, { headers, signal }));
}

export const stopStream = (stream: string) => remove(`/api/streams/${part(stream)}`);

/** A new message's id, made here so that sending it twice adds it once: a UUIDv7, which sorts by time. */
export function newId(): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  const hex = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const time = Date.now().toString(16).padStart(12, "0");
  const variant = ((Number.parseInt(hex[3] ?? "0", 16) & 3) | 8).toString(16);
  return `${time}7${hex.slice(0, 3)}${variant}${hex.slice(4, 19)}`;
}
