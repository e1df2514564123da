// How the page is for this person: language, theme, and what the assistant is told before every chat.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, type Language, setLanguage } from "../../app/i18n";
import { prefer, preferencesQuery } from "../../app/session";
import { chosenTheme, setTheme, type Theme } from "../../app/theme";
import { Button } from "../../parts/button";
import { SelectField, TextArea } from "../../parts/field";
import { Part } from "../../parts/sections";
import { errorText, Failed, Loading } from "../../parts/states";
import { toast } from "../../parts/toast";
import styles from "./settings.module.css";

const THEMES = ["system", "light", "dark"] as const;

export function ChatSettings() {
  const { t } = useTranslation("settings");
  const { data, error, refetch } = useQuery(preferencesQuery);
  return (
    <>
      <Appearance />
      <Part title={t("system")} about={t("systemAbout")}>
        {error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : data ? (
          <SystemPrompt saved={data.system ?? ""} />
        ) : (
          <Loading />
        )}
      </Part>
    </>
  );
}

function Appearance() {
  const { t, i18n } = useTranslation("settings");
  const [theme, setShown] = useState<string>(chosenTheme() ?? "system");
  const failed = (error: unknown) => toast(errorText(error, t("common:offlineHint")), { bad: true });
  const chooseTheme = (to: string) => {
    const chosen = to === "system" ? null : (to as Theme);
    setTheme(chosen);
    setShown(to);
    prefer({ theme: chosen }).catch(failed);
  };
  const chooseLanguage = (to: Language) => {
    void setLanguage(to);
    prefer({ language: to }).catch(failed);
  };
  return (
    <Part title={t("appearance")}>
      <div className={styles.form}>
        <SelectField
          label={t("common:language")}
          value={i18n.resolvedLanguage ?? "en"}
          onChange={(event) => chooseLanguage(event.target.value as Language)}
        >
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </SelectField>
        <SelectField
          label={t("common:theme.title")}
          value={theme}
          onChange={(event) => chooseTheme(event.target.value)}
        >
          {THEMES.map((one) => (
            <option key={one} value={one}>
              {t(`common:theme.${one}`)}
            </option>
          ))}
        </SelectField>
      </div>
    </Part>
  );
}

function SystemPrompt({ saved }: { saved: string }) {
  const { t } = useTranslation("settings");
  const [text, setText] = useState(saved);
  const save = useMutation({ mutationFn: () => prefer({ system: text }), onSuccess: () => toast(t("saved")) });
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <TextArea
        label={t("systemLabel")}
        hint={t("systemHint")}
        error={save.error ? errorText(save.error, t("common:offlineHint")) : undefined}
        value={text}
        rows={6}
        maxLength={20_000}
        onChange={(event) => setText(event.target.value)}
      />
      <div>
        <Button kind="primary" type="submit" busy={save.isPending} disabled={text === saved && !save.isError}>
          {t("common:save")}
        </Button>
      </div>
    </form>
  );
}
