// Joining by invitation. The token is in the address's fragment, which no server and no log ever sees.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/http";
import { fetchInvite, join } from "../../api/session";
import { forget, queries } from "../../app/query";
import { sessionQuery } from "../../app/session";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { errorText, Failed, Loading } from "../../parts/states";
import { Door } from "./door";
import styles from "./door.module.css";

export function Join() {
  const { t } = useTranslation("enter");
  const navigate = useNavigate();
  const [token] = useState(() => location.hash.slice(1));
  const invite = useQuery({ queryKey: ["invite", token], queryFn: () => fetchInvite(token), enabled: token !== "" });
  const [form, setForm] = useState({ name: "", email: "", password: "" });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    document.title = "mynah";
    history.replaceState(history.state, "", location.pathname); // not left in the bar, or in the history
  }, []);

  const enter = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const entered = await join({ token, ...form, email: form.email.trim() });
      forget();
      queries.setQueryData(sessionQuery.queryKey, entered);
      await navigate({ to: "/" });
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const field = (name: keyof typeof form) => ({
    name,
    value: form[name],
    required: true,
    onChange: (event: { target: { value: string } }) => setForm({ ...form, [name]: event.target.value }),
    error: error instanceof ApiError && error.param === name ? errorText(error, "") : undefined,
  });
  const elsewhere = error instanceof ApiError && error.param !== null && error.param in form;

  if (token === "" || (invite.error instanceof ApiError && invite.error.status < 500))
    return (
      <Door title={t("inviteGone")}>
        <p className={styles.note}>{t("inviteGoneText")}</p>
        <p>
          <Link to="/login">{t("login")}</Link>
        </p>
      </Door>
    );
  return (
    <Door title={t("join")}>
      {invite.isPending && <Loading />}
      {invite.isError && <Failed error={invite.error} onRetry={() => void invite.refetch()} />}
      {invite.data && (
        <>
          <p className={styles.note}>
            {invite.data.note && <q>{invite.data.note}</q>} {t(`as.${invite.data.role}`)}
          </p>
          {error !== undefined && !elsewhere && (
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
            <TextField label={t("name")} autoComplete="name" autoFocus {...field("name")} />
            <TextField label={t("email")} type="email" autoComplete="username" {...field("email")} />
            <TextField
              label={t("password")}
              type="password"
              autoComplete="new-password"
              hint={t("passwordHint")}
              {...field("password")}
            />
            <Button kind="primary" type="submit" busy={busy}>
              {t("join")}
            </Button>
          </form>
        </>
      )}
    </Door>
  );
}
