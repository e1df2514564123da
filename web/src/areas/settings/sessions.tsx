// Where one is signed in, and signing out there.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { endOtherSessions, endSession, fetchSessions } from "../../api/me";
import { Button } from "../../parts/button";
import { useFormat } from "../../parts/format";
import { Part } from "../../parts/sections";
import { errorText, Failed, Loading } from "../../parts/states";
import { Table } from "../../parts/table";
import { Tag } from "../../parts/tag";
import { toast } from "../../parts/toast";

export function Sessions() {
  const { t } = useTranslation("settings");
  const format = useFormat();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({ queryKey: ["sessions"], queryFn: fetchSessions, staleTime: 0 });
  const end = useMutation({
    mutationFn: (id: string | null) => (id ? endSession(id) : endOtherSessions()),
    onSuccess: () => toast(t("signedOutThere")),
    onError: (failed) => toast(errorText(failed, t("common:offlineHint")), { bad: true }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
  });
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  const others = data.items.filter((one) => !one.current).length;
  return (
    <Part
      title={t("pages.sessions")}
      about={t("sessionsAbout")}
      aside={
        others > 0 && (
          <Button busy={end.isPending} onClick={() => end.mutate(null)}>
            {t("endOthers")}
          </Button>
        )
      }
    >
      <Table
        caption={t("pages.sessions")}
        rows={data.items}
        rowKey={(one) => one.id}
        columns={[
          { head: t("began"), cell: (one) => format.time(one.created_at) },
          { head: t("seen"), cell: (one) => format.time(one.seen_at ?? one.created_at) },
          { head: t("ends"), cell: (one) => format.day(one.expires_at) },
          {
            head: t("signOutHead"),
            cell: (one) =>
              one.current ? (
                <Tag kind="good">{t("thisOne")}</Tag>
              ) : (
                <Button
                  kind="quiet"
                  onClick={() => end.mutate(one.id)}
                  aria-label={t("endSession", { time: format.time(one.created_at) })}
                >
                  {t("common:signOut")}
                </Button>
              ),
          },
        ]}
      />
    </Part>
  );
}
