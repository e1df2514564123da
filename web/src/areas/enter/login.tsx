// Signing in.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouter, useSearch } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { signIn } from "../../api/session";
import { forget, queries } from "../../app/query";
import { sessionQuery } from "../../app/session";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { errorText } from "../../parts/states";
import { Door } from "./door";
import styles from "./door.module.css";

export function Login() {
  const { t } = useTranslation("enter");
  const navigate = useNavigate();
  const router = useRouter();
  const { next } = useSearch({ from: "/login" });
  const session = useQuery(sessionQuery);
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    document.title = "mynah";
  }, []);

  const enter = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const entered = await signIn(email.trim(), password);
      forget();
      queries.setQueryData(sessionQuery.queryKey, entered);
      // Only a path of this page: an address from elsewhere must not lead away.
      if (next && /^\/(?![/\\])/.test(next)) router.history.push(next);
      else await navigate({ to: "/" });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Door title={t("login")}>
      {session.data?.needs_first_admin && <p className={styles.note}>{t("firstAdmin")}</p>}
      {error !== undefined && (
        <p className={styles.error} role="alert">
          {errorText(error, t("common:offlineHint"))}
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <TextField
          label={t("email")}
          type="email"
          name="email"
          autoComplete="username"
          required
          autoFocus
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <TextField
          label={t("password")}
          type="password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button kind="primary" type="submit" busy={busy}>
          {t("login")}
        </Button>
      </form>
    </Door>
  );
}
