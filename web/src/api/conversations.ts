// A person's conversations: the history, search, one as a tree of messages, and what is done with them.
import { get, type List, part, patch, post, remove, send } from "./http";

export type Listed = {
  id: string;
  title: string;
  source: string;
  updated_at: string;
  pinned: boolean;
  archived: boolean;
  temporary: boolean;
};

export type Part =
  | { type: "text"; text: string }
  | { type: "tool_call"; name: string; arguments: string }
  | { type: "tool_result"; name: string; text: string }
  | Citation;
/** A source that an answer was given, and whether it cites it, by `[number]` in its words. */
export type Citation = {
  type: "citation";
  number: number;
  title: string;
  url: string;
  text: string;
  cited: boolean;
};

export type Reaction = { thumb: 1 | -1 | 0 | null; reasons: string[]; comment: string };

export type Said = {
  id: string;
  parent: string | null;
  role: "system" | "user" | "assistant" | "tool";
  parts: Part[];
  created_at: string;
  /** Of answers: */
  completion?: string;
  finish_reason?: string | null;
  /** Not told of two blind answers before the vote. */
  model?: string;
  side?: "left" | "right";
  beside?: string;
  /** Earliest turns that the model did not see, as the conversation outgrew its context. */
  dropped?: number;
  reaction?: Reaction;
};

export type Conversation = Listed & { messages: Said[]; streams: { id: string; parent: string }[] };
export type Hit = { conversation: string; title: string; message: string; snippet: string; updated_at: string };
/** An open link; its address is told only once, when it is made. */
export type Share = { id: string; message: string; created_at: string };
export type SharedChat = { title: string; messages: Pick<Said, "role" | "parts">[] };
export type ModelInfo = { name: string; context: number | null; default: boolean };

export const fetchHistory = (after: string) =>
  get<List<Listed>>(`/api/conversations?limit=50${after && `&after=${part(after)}`}`);
export const searchChats = (q: string) => get<List<Hit>>(`/api/search?limit=40&q=${part(q)}`);
export const startConversation = (of: { temporary: boolean; system: string }) => post<Listed>("/api/conversations", of);
export const fetchConversation = (id: string) => get<Conversation>(`/api/conversations/${part(id)}`);
export const changeConversation = (id: string, changes: { title?: string; pinned?: boolean; archived?: boolean }) =>
  patch<Listed>(`/api/conversations/${part(id)}`, changes);
export const deleteConversation = (id: string) => remove(`/api/conversations/${part(id)}`);

export const share = (id: string, message: string) =>
  post<{ id: string; url: string }>(`/api/conversations/${part(id)}/share`, { message });
export const fetchShares = (id: string) => get<List<Share>>(`/api/conversations/${part(id)}/shares`);
export const revokeShare = (id: string) => remove(`/api/shares/${part(id)}`);
export const fetchShared = (token: string) => get<SharedChat>(`/api/shared/${part(token)}`);

export const fetchModels = () => get<List<ModelInfo>>("/api/models");
export const fetchStarters = (language: string) =>
  send("GET", "/api/starters", undefined, { headers: { "Accept-Language": language } }).then(
    (response) => response.json() as Promise<List<{ text: string }> & { about: string }>,
  );

export type Feedback = { completion: string; rating: 1 | -1 | 0; reasons?: string[]; comment?: string };
export type Vote = { a: string; b: string; outcome: "a" | "b" | "tie" | "both_bad" };
export const giveFeedback = (feedback: Feedback) => post<unknown>("/api/feedback", feedback);
export const vote = (of: Vote) =>
  post<{ id: string; outcome: string; models: Record<string, string> }>("/api/votes", of);

export const fetchDraft = (place: string) => get<{ content: string }>(`/api/drafts/${part(place)}`);
/** `leaving`: the page is going away, and the request must outlive it. */
export const saveDraft = (place: string, content: string, leaving = false) =>
  send("PUT", `/api/drafts/${part(place)}`, { content }, { keepalive: leaving && content.length < 20_000 });
