// For admins: people, invites, usage of all, the settings of the service, the trail of who did what.
import { get, type List, part, patch, post, remove } from "./http";
import type { Person, Role } from "./session";

export type Member = Person & { disabled: boolean; created_at: string };
export type OpenInvite = { id: string; role: Role; note: string; created_at: string; expires_at: string };
export type NewInvite = OpenInvite & { url: string; token: string };
export type UsageRow = {
  day: string;
  user?: string;
  key: string | null;
  key_name: string | null;
  model: string;
  requests: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost: number;
};
export type ServiceSettings = {
  requests_per_minute: number | null;
  tokens_per_minute: number | null;
  monthly_budget: number | null;
  session_days: number;
  invite_days: number;
};
export type AuditRow = {
  number: number;
  actor: string | null;
  action: string;
  target: string;
  details: Record<string, unknown>;
  created_at: string;
};
export type AuditPage = { items: AuditRow[]; next: number | null };

/** `local`: the id of whoever sits at the service's machine, if it was ever used without accounts. */
export const fetchPeople = () => get<List<Member> & { local: string | null }>("/api/people");
export const changePerson = (id: string, change: { role?: Role; disabled?: boolean; password?: string }) =>
  patch<Member>(`/api/people/${part(id)}`, change);
export const fetchInvites = () => get<List<OpenInvite>>("/api/invites");
export const makeInvite = (form: { role: Role; note: string; days: number }) => post<NewInvite>("/api/invites", form);
export const withdrawInvite = (id: string) => remove(`/api/invites/${part(id)}`);
export const fetchUsage = (days: number) => get<List<UsageRow>>(`/api/usage?days=${days}`);
export const fetchServiceSettings = () => get<ServiceSettings>("/api/settings");
export const saveServiceSettings = (change: Partial<ServiceSettings>) =>
  patch<ServiceSettings>("/api/settings", change);
export const fetchAudit = (after: number | null) =>
  get<AuditPage>(`/api/audit?limit=50${after ? `&after=${after}` : ""}`);
export const checkAudit = () => get<{ broken: number | null }>("/api/audit/check");
