// Asked once, where it matters: whoever rates an answer and was never asked says whether it may train the next model.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { fetchConsent, giveConsent } from "../../api/me";
import { Button } from "../../parts/button";
import { errorText } from "../../parts/states";
import { toast } from "../../parts/toast";
import styles from "./thumbs.module.css";

/** What the person decided; undefined while that is not known. */
export const useConsent = () => useQuery({ queryKey: ["consent"], queryFn: fetchConsent }).data?.training;

export function ConsentQuestion() {
  const { t } = useTranslation("chat");
  const queries = useQueryClient();
  const consent = useConsent();
  const answer = useMutation({
    mutationFn: giveConsent,
    onSuccess: (now) => queries.setQueryData(["consent"], now),
    onError: (failed) => toast(errorText(failed, t("common:offline")), { bad: true }),
  });
  if (consent !== null) return null;
  return (
    <fieldset className={styles.consent}>
      <legend>{t("consent.question")}</legend>
      <p>
        {t("consent.about")}{" "}
        <Link to="/settings/$" params={{ _splat: "data" }}>
          {t("consent.more")}
        </Link>
      </p>
      {([true, false] as const).map((given) => (
        <Button key={String(given)} disabled={answer.isPending} onClick={() => answer.mutate(given)}>
          {t(given ? "consent.yes" : "consent.no")}
        </Button>
      ))}
    </fieldset>
  );
}
