// The session as every page knows it, and the way to the door for who has none.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { redirect, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { SIGNED_OUT } from "../api/http";
import { fetchPreferences, fetchSession, type Preferences, type Session, savePreferences } from "../api/session";
import { setLanguage } from "./i18n";
import { forget, queries } from "./query";
import { chosenTheme, setTheme } from "./theme";

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

/** To the door, and back here after it, when the session turns out to be over. */
export function useSignedOut() {
  const router = useRouter();
  useEffect(() => {
    const leave = () => {
      if (queries.getQueryData(sessionQuery.queryKey)?.accounts === false) return;
      forget();
      const { pathname, href } = router.latestLocation;
      if (pathname === "/login") return; // another request was told so before this one
      void router.navigate({ to: "/login", search: { next: href } });
    };
    addEventListener(SIGNED_OUT, leave);
    return () => removeEventListener(SIGNED_OUT, leave);
  }, [router]);
}

/** Theme and language as the person chose them, on a machine where they chose none. */
export function useChosenLook() {
  const { data } = useQuery({ ...preferencesQuery, retry: false });
  useEffect(() => {
    if (!data) return;
    if (!chosenTheme() && (data.theme === "light" || data.theme === "dark")) setTheme(data.theme);
    const language = data.language === "en" || data.language === "zh" ? data.language : null;
    if (language && !localStorage.getItem("language")) void setLanguage(language);
  }, [data]);
}

/** Change some preferences, here at once and there soon; all others stay, so they must be known first. */
export async function prefer(changes: Preferences) {
  const before = await queries.ensureQueryData(preferencesQuery);
  const after = { ...before, ...changes };
  queries.setQueryData(preferencesQuery.queryKey, after);
  await savePreferences(after);
}
