// The sheet of shortcuts.
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { Dialog } from "../parts/dialog";
import styles from "./help.module.css";
import { keyNames, SHORTCUTS } from "./shortcuts";

const IN_THE_FIELD = { send: ["Enter"], newline: ["Shift", "Enter"], editLast: ["↑"] } as const;

export default function Help({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("common");
  const rows = { ...IN_THE_FIELD, ...SHORTCUTS };
  return (
    <Dialog title={t("shortcuts.title")} onClose={onClose}>
      <dl className={styles.keys}>
        {Object.entries(rows).map(([name, keys]) => (
          <div key={name}>
            <dt>{t(`shortcuts.${name}`)}</dt>
            <dd>
              {keyNames(keys).map((key) => (
                <Fragment key={key}>
                  <kbd>{key}</kbd>{" "}
                </Fragment>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
