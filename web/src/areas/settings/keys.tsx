// API keys: made here, their secret shown once, revoked at once.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchKeys, type Key, revokeKey } from "../../api/me";
import { Button } from "../../parts/button";
import { Confirm } from "../../parts/confirm";
import { useFormat } from "../../parts/format";
import { Part } from "../../parts/sections";
import { Empty, Failed, Loading } from "../../parts/states";
import { Table } from "../../parts/table";
import { toast } from "../../parts/toast";
import { NewKey } from "./new_key";
import styles from "./settings.module.css";

export function Keys() {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({ queryKey: ["keys"], queryFn: fetchKeys });
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  return (
    <Part
      title={t("pages.keys")}
      about={t("keysAbout")}
      aside={
        <Button kind="primary" icon="plus" onClick={() => setMaking(true)}>
          {t("makeKey")}
        </Button>
      }
    >
      {error ? (
        <Failed error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.items.length === 0 ? (
        <Empty title={t("noKeys")}>
          <p>{t("noKeysHint")}</p>
        </Empty>
      ) : (
        <KeyTable keys={data.items} onRevoke={setRevoking} />
      )}
      {making && <NewKey onClose={() => setMaking(false)} />}
      {revoking && (
        <Confirm
          title={t("revokeKey", { name: revoking.name })}
          action={t("revoke")}
          danger
          onClose={() => setRevoking(null)}
          onConfirm={async () => {
            await revokeKey(revoking.id);
            await queries.invalidateQueries({ queryKey: ["keys"] });
            toast(t("revoked"));
          }}
        >
          <p>{t("revokeAbout")}</p>
        </Confirm>
      )}
    </Part>
  );
}

function KeyTable({ keys, onRevoke }: { keys: Key[]; onRevoke: (key: Key) => void }) {
  const { t } = useTranslation("settings");
  const format = useFormat();
  const limits = (key: Key) =>
    [
      key.requests_per_minute && t("perMinute", { count: key.requests_per_minute }),
      key.tokens_per_minute && t("tokensPerMinute", { count: key.tokens_per_minute }),
      key.monthly_budget !== null && t("budget", { amount: format.figure(key.monthly_budget) }),
    ].filter(Boolean);
  return (
    <Table
      caption={t("pages.keys")}
      rows={keys}
      rowKey={(key) => key.id}
      columns={[
        { head: t("name"), cell: (key) => <b className={styles.words}>{key.name}</b> },
        { head: t("scopes"), cell: (key) => key.scopes.join(", ") },
        { head: t("limits"), cell: (key) => limits(key).join(", ") || t("ofService") },
        { head: t("made"), cell: (key) => format.day(key.created_at) },
        { head: t("expires"), cell: (key) => (key.expires_at ? format.day(key.expires_at) : t("never")) },
        {
          head: t("revokeHead"),
          cell: (key) => (
            <Button kind="quiet" onClick={() => onRevoke(key)} aria-label={t("revokeKey", { name: key.name })}>
              {t("revoke")}
            </Button>
          ),
        },
      ]}
    />
  );
}
