// Confirm: asks once more before something that cannot be taken back, and shows what went wrong if it did.
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./button";
import styles from "./confirm.module.css";
import { Dialog } from "./dialog";
import { errorText } from "./states";

type ConfirmProps = {
  title: string;
  action: string;
  danger?: boolean;
  /** Not yet possible: a field inside is empty. */
  blocked?: boolean;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
  children?: ReactNode;
};

export function Confirm({ title, action, danger, blocked, onConfirm, onClose, children }: ConfirmProps) {
  const { t } = useTranslation("common");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const go = async () => {
    if (busy || blocked) return;
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (failed) {
      setError(failed);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind={danger ? "danger" : "primary"} busy={busy} disabled={blocked} onClick={() => void go()}>
            {action}
          </Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        {children}
        {error !== null && (
          <p role="alert" className={styles.error}>
            {errorText(error, t("offlineHint"))}
          </p>
        )}
      </form>
    </Dialog>
  );
}
