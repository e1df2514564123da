// What a person decides about themselves: account, sessions, consent, keys, usage, taking their data along, leaving.
import { get, type List, part, patch, post, put, remove } from "./http";
import type { UsageRow } from "./people";
import type { Person } from "./session";

export type SignedIn = { id: string; created_at: string; seen_at: string | null; expires_at: string; current: boolean };
export const SCOPES = ["chat", "completions", "embeddings", "models", "feedback", "metrics"] as const;
export type Scope = (typeof SCOPES)[number];
export type Key = {
  id: string;
  name: string;
  scopes: Scope[];
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  monthly_budget: number | null;
  expires_at: string | null;
  created_at: string;
};
export type KeyForm = {
  name: string;
  scopes: Scope[];
  requests_per_minute?: number;
  tokens_per_minute?: number;
  monthly_budget?: number;
  expires_at?: string;
};
export type Change = { name?: string; email?: string; password?: string; current_password?: string };

export const changeMe = (change: Change) => patch<Person>("/api/me", change);
export const leaveForGood = (password: string) => remove("/api/me", { password });
export const EXPORT = "/api/me/export";
export const fetchSessions = () => get<List<SignedIn>>("/api/me/sessions");
export const endSession = (id: string) => remove(`/api/me/sessions/${part(id)}`);
export const endOtherSessions = () => remove("/api/me/sessions");
export const fetchConsent = () => get<{ training: boolean | null }>("/api/me/consent");
export const giveConsent = (training: boolean) => put<{ training: boolean }>("/api/me/consent", { training });
export const fetchKeys = () => get<List<Key>>("/api/me/keys");
export const makeKey = (form: KeyForm) => post<Key & { secret: string }>("/api/me/keys", form);
export const revokeKey = (id: string) => remove(`/api/me/keys/${part(id)}`);
export const fetchMyUsage = (days: number) => get<List<UsageRow>>(`/api/me/usage?days=${days}`);
