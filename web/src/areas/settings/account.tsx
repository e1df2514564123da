// Name, address, password.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Change, changeMe } from "../../api/me";
import type { Person } from "../../api/session";
import { sessionQuery, useSession } from "../../app/session";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { Part } from "../../parts/sections";
import { errorText, Loading } from "../../parts/states";
import { toast } from "../../parts/toast";
import styles from "./settings.module.css";

export function Account() {
  const { t } = useTranslation("settings");
  const me = useSession()?.user;
  if (!me) return <Loading />;
  return (
    <>
      <Part title={t("profile")}>
        <NameForm me={me} />
      </Part>
      <Part title={t("email")} about={t("emailAbout")}>
        <EmailForm me={me} />
      </Part>
      <Part title={t("password")} about={t("passwordAbout")}>
        <PasswordForm me={me} />
      </Part>
    </>
  );
}

/** Send a change; the session then says who one is now. */
function useChange(onDone: () => void) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (change: Change) => changeMe(change),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      onDone();
      toast(t("saved"));
    },
  });
}

function NameForm({ me }: { me: Person }) {
  const { t } = useTranslation("settings");
  const [name, setName] = useState(me.name);
  const change = useChange(() => {});
  return (
    <Form change={change} values={{ name: name.trim() }} unchanged={name.trim() === me.name || !name.trim()}>
      <TextField
        label={t("name")}
        autoComplete="name"
        maxLength={200}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
    </Form>
  );
}

function EmailForm({ me }: { me: Person }) {
  const { t } = useTranslation("settings");
  const [email, setEmail] = useState(me.email);
  const [password, setPassword] = useState("");
  const change = useChange(() => setPassword(""));
  const values = { email: email.trim(), current_password: password };
  return (
    <Form change={change} values={values} unchanged={email.trim() === me.email || !password}>
      <TextField
        label={t("email")}
        type="email"
        autoComplete="email"
        maxLength={320}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <CurrentPassword value={password} onChange={setPassword} />
    </Form>
  );
}

function PasswordForm({ me }: { me: Person }) {
  const { t } = useTranslation("settings");
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const change = useChange(() => {
    setCurrent("");
    setPassword("");
  });
  return (
    <Form change={change} values={{ password, current_password: current }} unchanged={!current || !password}>
      <input type="text" name="username" autoComplete="username" value={me.email} readOnly hidden />
      <CurrentPassword value={current} onChange={setCurrent} />
      <TextField
        label={t("newPassword")}
        type="password"
        autoComplete="new-password"
        maxLength={500}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
    </Form>
  );
}

function CurrentPassword({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation("settings");
  return (
    <TextField
      label={t("currentPassword")}
      type="password"
      autoComplete="current-password"
      maxLength={500}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

type FormProps = {
  change: ReturnType<typeof useChange>;
  values: Change;
  unchanged: boolean;
  children: ReactNode;
};

function Form({ change, values, unchanged, children }: FormProps) {
  const { t } = useTranslation("settings");
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!unchanged) change.mutate(values);
      }}
    >
      {children}
      {change.error && (
        <p role="alert" className={styles.error}>
          {errorText(change.error, t("common:offlineHint"))}
        </p>
      )}
      <div>
        <Button type="submit" busy={change.isPending} disabled={unchanged}>
          {t("common:save")}
        </Button>
      </div>
    </form>
  );
}
