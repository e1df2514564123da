// Runs.
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty } from "../../parts/states";

export function Runs() {
  const { t } = useTranslation("common");
  const { _splat: _page } = useParams({ from: "/inside/runs/$" });
  return <Empty title={t("runs")} />;
}
