// Who is here: the session, signing in and out, invitations, and a person's own settings of the page.
import { get, part, post, put, remove } from "./http";

export type Role = "admin" | "labeller" | "user";
export type Person = { id: string; name: string; email: string; role: Role };
export type Session = { user: Person | null; accounts: boolean; needs_first_admin: boolean };
export type Invite = { role: Role; note: string; expires_at: string | null };

/** What the service keeps of how the page is for a person. */
export type Preferences = {
  language?: string | null;
  theme?: "system" | "light" | "dark" | null;
  model?: string | null;
  system?: string;
  params?: Partial<Record<"temperature" | "top_p" | "max_tokens" | "seed", number | null>>;
};

export const fetchSession = () => get<Session>("/api/session");
export const signIn = (email: string, password: string) => post<Session>("/api/session", { email, password });
export const signOut = () => remove("/api/session");
export const fetchInvite = (token: string) => get<Invite>(`/api/invites/${part(token)}`);
export const join = (form: { token: string; name: string; email: string; password: string }) =>
  post<Session>("/api/people", form);
export const fetchPreferences = () => get<Preferences>("/api/me/settings");
export const savePreferences = (preferences: Preferences) => put<Preferences>("/api/me/settings", preferences);
