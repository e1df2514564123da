// Sharing: a secret link to a read-only snapshot of this branch, and taking it back.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchConversation, fetchShares, revokeShare, share } from "../../api/conversations";
import { queries } from "../../app/query";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { errorText, Loading } from "../../parts/states";
import { useCopy } from "./copy";
import { conversationKey } from "./live";
import styles from "./share.module.css";
import { when } from "./times";
import { Tree } from "./tree";

type ShareProps = { conversation: string; message?: string | undefined; onClose: () => void };

/** Without `message`, the newest branch is shared. */
export default function ShareDialog({ conversation, message, onClose }: ShareProps) {
  const { t, i18n } = useTranslation("chat");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<Record<string, string>>({}); // id → address, told only once
  const key = ["shares", conversation];
  const shares = useQuery({ queryKey: key, queryFn: () => fetchShares(conversation) });

  const attempt = async (act: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    try {
      await act();
      await queries.invalidateQueries({ queryKey: key });
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  const create = async () => {
    const known = await queries.fetchQuery({
      queryKey: conversationKey(conversation),
      queryFn: () => fetchConversation(conversation),
    });
    const last = message ?? new Tree(known.messages).path({}).at(-1)?.said.id;
    if (!last) return;
    const { id, url } = await share(conversation, last);
    setMade((known) => ({ ...known, [id]: url }));
  };

  return (
    <Dialog
      title={t("shareTitle")}
      onClose={onClose}
      actions={
        <Button kind="primary" icon="link" busy={busy} onClick={() => void attempt(create)}>
          {t("shareCreate")}
        </Button>
      }
    >
      <p>{t("shareText")}</p>
      {shares.isPending && <Loading lines={1} />}
      <ul className={styles.links}>
        {shares.data?.items.map((link) => (
          <li key={link.id}>
            {made[link.id] && <Address url={made[link.id] ?? ""} />}
            <small>{t("shareMade", { when: when(link.created_at, i18n.language) })}</small>
            <Button kind="quiet" onClick={() => void attempt(() => revokeShare(link.id))}>
              {t("shareRevoke")}
            </Button>
          </li>
        ))}
      </ul>
      {(error ?? shares.error) ? <p role="alert">{errorText(error ?? shares.error, t("common:offlineHint"))}</p> : null}
    </Dialog>
  );
}

function Address({ url }: { url: string }) {
  const { t } = useTranslation("chat");
  const [copied, copy] = useCopy();
  return (
    <span className={styles.address}>
      <input readOnly value={url} aria-label={t("shareLink")} onFocus={(event) => event.target.select()} />
      <Button kind="quiet" icon={copied ? "check" : "copy"} onClick={() => copy(url)}>
        {copied ? t("copied") : t("copy")}
      </Button>
    </span>
  );
}
