// Asking a stage at work to stop: its process reads the wish after its step, saves, and ends.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Stage, stopStage } from "../../api/runs";
import { queries } from "../../app/query";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import styles from "./runs.module.css";

export function StopStage({ run, stage }: { run: string; stage: Stage }) {
  const { t } = useTranslation("runs");
  const [asking, setAsking] = useState(false);
  if (stage.stopping) return <p className={styles.stopping}>{t("stopping")}</p>;
  return (
    <>
      <Button icon="stop" onClick={() => setAsking(true)}>
        {t("stop")}
      </Button>
      {asking && (
        <Confirm
          title={t("stopTitle", { stage: stage.key })}
          action={t("stop")}
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await stopStage(run, stage.key);
            await queries.invalidateQueries({ queryKey: ["runs", run] });
          }}
        >
          <p>{t("stopAbout")}</p>
        </Confirm>
      )}
    </>
  );
}
