// A new API key: its name, what it is for, its limits; then its secret, once, with an example to try it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type KeyForm, makeKey, SCOPES, type Scope } from "../../api/me";
import { useSession } from "../../app/session";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Check, TextField } from "../../parts/field";
import { Secret } from "../../parts/secret";
import { errorText } from "../../parts/states";
import styles from "./settings.module.css";

export function NewKey({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const [secret, setSecret] = useState("");
  const make = useMutation({
    mutationFn: makeKey,
    onSuccess: (key) => {
      setSecret(key.secret);
      void queries.invalidateQueries({ queryKey: ["keys"] });
    },
  });
  if (secret)
    return (
      <Dialog title={t("keyMade")} wide onClose={onClose} actions={<Button onClick={onClose}>{t("done")}</Button>}>
        <p>{t("keyOnce")}</p>
        <Secret label={t("secret")} value={secret} />
        <p className={styles.note}>{t("tryIt")}</p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
        <pre className={styles.example} tabIndex={0} aria-label={t("tryIt")}>
          {example(location.origin)}
        </pre>
      </Dialog>
    );
  return <KeyDialog make={make} onClose={onClose} />;
}

function KeyDialog({
  make,
  onClose,
}: {
  make: { mutate: (form: KeyForm) => void; isPending: boolean; error: unknown };
  onClose: () => void;
}) {
  const { t } = useTranslation("settings");
  const admin = useSession()?.user?.role === "admin";
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["chat", "models"]);
  const [limits, setLimits] = useState({ requests_per_minute: "", tokens_per_minute: "", monthly_budget: "" });
  const [until, setUntil] = useState("");
  const blocked = !name.trim() || scopes.length === 0;
  const go = () => {
    if (blocked) return;
    const form: KeyForm = { name: name.trim(), scopes };
    for (const [limit, value] of Object.entries(limits)) if (value) Object.assign(form, { [limit]: Number(value) });
    if (until) form.expires_at = new Date(`${until}T23:59:59`).toISOString();
    make.mutate(form);
  };
  return (
    <Dialog
      title={t("makeKey")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("common:cancel")}</Button>
          <Button kind="primary" busy={make.isPending} disabled={blocked} onClick={go}>
            {t("makeKey")}
          </Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        <TextField
          label={t("name")}
          hint={t("keyNameHint")}
          required
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <fieldset className={styles.checks}>
          <legend>{t("scopes")}</legend>
          {SCOPES.filter((scope) => admin || scope !== "metrics").map((scope) => (
            <Check
              key={scope}
              label={t(`scope.${scope}`)}
              checked={scopes.includes(scope)}
              onChange={(event) =>
                setScopes(event.target.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))
              }
            />
          ))}
        </fieldset>
        <details>
          <summary className={styles.summary}>{t("limitsAndEnd")}</summary>
          <div className={styles.form}>
            {(["requests_per_minute", "tokens_per_minute", "monthly_budget"] as const).map((limit) => (
              <TextField
                key={limit}
                type="number"
                min={limit === "monthly_budget" ? 0 : 1}
                step={limit === "monthly_budget" ? "any" : 1}
                label={t(`limit.${limit}`)}
                value={limits[limit]}
                onChange={(event) => setLimits({ ...limits, [limit]: event.target.value })}
              />
            ))}
            <TextField
              label={t("expires")}
              type="date"
              value={until}
              onChange={(event) => setUntil(event.target.value)}
            />
          </div>
        </details>
        {make.error ? (
          <p role="alert" className={styles.error}>
            {errorText(make.error, t("common:offlineHint"))}
          </p>
        ) : null}
      </form>
    </Dialog>
  );
}

const example = (origin: string) => `from openai import OpenAI

client = OpenAI(base_url="${origin}/v1", api_key="…")
model = client.models.list().data[0].id
answer = client.chat.completions.create(
    model=model, messages=[{"role": "user", "content": "Hello!"}]
)
print(answer.choices[0].message.content)`;
