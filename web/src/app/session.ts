// The session as every page knows it, and the way to the door for who has none.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { redirect } from "@tanstack/react-router";
import { fetchPreferences, fetchSession, type Preferences, type Session, savePreferences } from "../api/session";
import { queries } from "./query";

export const sessionQuery = queryOptions({ queryKey: ["session"], queryFn: fetchSession, staleTime: 60_000 });
export const preferencesQuery = queryOptions({
  queryKey: ["preferences"],
  queryFn: fetchPreferences,
  staleTime: Number.POSITIVE_INFINITY,
});

/** For a route's `beforeLoad`: nobody gets further without a session. */
export async function mustBeSomebody({ location }: { location: { href: string } }) {
  const session = await queries.ensureQueryData(sessionQuery);
  if (!session.user) throw redirect({ to: "/login", search: { next: location.href } });
}

/** The session of a page behind `mustBeSomebody`. */
export function useSession(): Session | undefined {
  return useQuery(sessionQuery).data;
}

/** Change some preferences, here at once and there soon. */
export async function prefer(changes: Preferences) {
  const before = queries.getQueryData<Preferences>(preferencesQuery.queryKey) ?? {};
  const after = { ...before, ...changes };
  queries.setQueryData(preferencesQuery.queryKey, after);
  await savePreferences(after);
}
