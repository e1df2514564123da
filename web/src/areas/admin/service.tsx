// Settings of the whole service: limits of every key, and how long sessions and invites last.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchServiceSettings, type ServiceSettings, saveServiceSettings } from "../../api/people";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { Part } from "../../parts/sections";
import { errorText, Failed, Loading } from "../../parts/states";
import { toast } from "../../parts/toast";
import styles from "./admin.module.css";

const LIMITS = ["requests_per_minute", "tokens_per_minute", "monthly_budget"] as const;
const TIMES = ["session_days", "invite_days"] as const;

export function Service() {
  const { data, error, refetch } = useQuery({ queryKey: ["service"], queryFn: fetchServiceSettings });
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading lines={6} />;
  return <ServiceForm saved={data} />;
}

function ServiceForm({ saved }: { saved: ServiceSettings }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const [form, setForm] = useState<Record<string, string>>(() =>
    Object.fromEntries(Object.entries(saved).map(([name, value]) => [name, value === null ? "" : String(value)])),
  );
  const save = useMutation({
    mutationFn: () => {
      const limits = Object.fromEntries(LIMITS.map((name) => [name, form[name] ? Number(form[name]) : null]));
      const times = Object.fromEntries(TIMES.filter((name) => form[name]).map((name) => [name, Number(form[name])]));
      return saveServiceSettings({ ...limits, ...times });
    },
    onSuccess: (now) => {
      queries.setQueryData(["service"], now);
      toast(t("saved"));
    },
  });
  const field = (name: string, least: number, step: string) => (
    <TextField
      key={name}
      type="number"
      inputMode="decimal"
      min={least}
      step={step}
      label={t(`service.${name}`)}
      hint={t(`service.${name}_hint`)}
      value={form[name] ?? ""}
      onChange={(event) => setForm({ ...form, [name]: event.target.value })}
    />
  );
  return (
    <form
      className={styles.settings}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Part title={t("limits")} about={t("limitsAbout")}>
        <div className={styles.form}>
          {field("requests_per_minute", 1, "1")}
          {field("tokens_per_minute", 1, "1")}
          {field("monthly_budget", 0, "any")}
        </div>
      </Part>
      <Part title={t("times")}>
        <div className={styles.form}>
          {field("session_days", 1, "1")}
          {field("invite_days", 1, "1")}
        </div>
      </Part>
      {save.error && (
        <p role="alert" className={styles.error}>
          {errorText(save.error, t("common:offlineHint"))}
        </p>
      )}
      <Button kind="primary" type="submit" busy={save.isPending}>
        {t("common:save")}
      </Button>
    </form>
  );
}
