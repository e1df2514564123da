// What everybody was served, by day, person and model.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchUsage } from "../../api/people";
import { Failed, Loading } from "../../parts/states";
import { UsageView } from "../../parts/usage";
import { useNames } from "./names";

export function UsageOfAll() {
  const { t } = useTranslation("admin");
  const [days, setDays] = useState(30);
  const usage = useQuery({ queryKey: ["usage", days], queryFn: () => fetchUsage(days), placeholderData: (old) => old });
  const names = useNames();
  if (usage.error) return <Failed error={usage.error} onRetry={() => void usage.refetch()} />;
  if (!usage.data) return <Loading lines={6} />;
  return (
    <UsageView
      rows={usage.data.items}
      days={days}
      onDays={setDays}
      who={{ head: t("person"), of: (row) => names.of(row.user ?? "") }}
    />
  );
}
