// What becomes of what a person says here: agree to training or not, take everything along, leave and be forgotten.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EXPORT, fetchConsent, giveConsent, leaveForGood } from "../../api/me";
import { forget } from "../../app/query";
import { useSession } from "../../app/session";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { TextField } from "../../parts/field";
import { Part } from "../../parts/sections";
import { errorText, Failed, Loading } from "../../parts/states";
import { toast } from "../../parts/toast";
import styles from "./settings.module.css";

export function Data() {
  const { t } = useTranslation("settings");
  const [leaving, setLeaving] = useState(false);
  return (
    <>
      <ConsentPart />
      <Part title={t("export")} about={t("exportAbout")}>
        <a className={styles.download} href={EXPORT} download="mynah-export.json">
          {t("download")}
        </a>
      </Part>
      <Part title={t("leave")} about={t("leaveAbout")}>
        <Button kind="danger" icon="trash" onClick={() => setLeaving(true)}>
          {t("leaveButton")}
        </Button>
      </Part>
      {leaving && <LeaveDialog onClose={() => setLeaving(false)} />}
    </>
  );
}

function ConsentPart() {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({ queryKey: ["consent"], queryFn: fetchConsent });
  const [chosen, setChosen] = useState<boolean | null>(null); // shown at once, taken back if it could not be kept
  const answer = useMutation({
    mutationFn: giveConsent,
    onSuccess: (now) => {
      queries.setQueryData(["consent"], now);
      toast(t(now.training ? "consentGiven" : "consentTaken"));
    },
    onError: (failed) => {
      setChosen(null);
      toast(errorText(failed, t("common:offlineHint")), { bad: true });
    },
  });
  const shown = chosen ?? data?.training ?? null;
  const choose = (given: boolean) => {
    setChosen(given);
    answer.mutate(given);
  };
  return (
    <Part title={t("consent")} about={t("consentAbout")}>
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : (
        <fieldset className={styles.choices}>
          <legend className="unseen">{t("consent")}</legend>
          {([true, false] as const).map((given) => (
            <label key={String(given)}>
              <input type="radio" name="consent" checked={shown === given} onChange={() => choose(given)} />
              <span>
                <b>{t(given ? "consentYes" : "consentNo")}</b>
                <small>{t(given ? "consentYesHint" : "consentNoHint")}</small>
              </span>
            </label>
          ))}
          {shown === null && <p className={styles.note}>{t("consentNever")}</p>}
        </fieldset>
      )}
    </Part>
  );
}

function LeaveDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("settings");
  const navigate = useNavigate();
  const accounts = useSession()?.accounts ?? false;
  const [password, setPassword] = useState("");
  const [sure, setSure] = useState("");
  const word = t("leaveWord");
  return (
    <Confirm
      title={t("leaveButton")}
      action={t("leaveButton")}
      danger
      blocked={accounts ? !password : sure.trim() !== word}
      onClose={onClose}
      onConfirm={async () => {
        await leaveForGood(password);
        forget();
        localStorage.clear();
        sessionStorage.clear();
        await navigate({ to: accounts ? "/login" : "/" });
      }}
    >
      <p>{t("leaveSure")}</p>
      {accounts ? (
        <TextField
          label={t("currentPassword")}
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      ) : (
        <TextField label={t("leaveType", { word })} value={sure} onChange={(event) => setSure(event.target.value)} />
      )}
    </Confirm>
  );
}
