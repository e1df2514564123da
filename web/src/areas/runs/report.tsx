// The run's report: a page of its own, in a frame that may do nothing (the service's policy says so too).
import { useTranslation } from "react-i18next";
import { type Run, reportOf } from "../../api/runs";
import { Empty } from "../../parts/states";
import styles from "./runs.module.css";

export function Report({ run }: { run: Run }) {
  const { t } = useTranslation("runs");
  if (!run.report)
    return (
      <Empty title={t("noReport")}>
        <code className={styles.command}>mynah report --run {run.name}</code>
      </Empty>
    );
  return (
    <>
      <p className={styles.note}>
        <a href={reportOf(run.name)} target="_blank" rel="noreferrer">
          {t("openReport")}
        </a>
      </p>
      <iframe className={styles.report} sandbox="" src={reportOf(run.name)} title={t("reportOf", { name: run.name })} />
    </>
  );
}
