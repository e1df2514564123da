// What this person was served, by day, key and model.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchMyUsage } from "../../api/me";
import { Failed, Loading } from "../../parts/states";
import { UsageView } from "../../parts/usage";

export function MyUsage() {
  const { t } = useTranslation("settings");
  const [days, setDays] = useState(30);
  const { data, error, refetch } = useQuery({
    queryKey: ["my usage", days],
    queryFn: () => fetchMyUsage(days),
    placeholderData: (old) => old,
    staleTime: 0,
  });
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading lines={6} />;
  const through = (name: string | null, key: string | null) => (key ? name || t("revokedKey") : t("atThePage"));
  return (
    <UsageView
      rows={data.items}
      days={days}
      onDays={setDays}
      who={{ head: t("through"), of: (row) => through(row.key_name, row.key) }}
    />
  );
}
