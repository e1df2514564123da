// Settings.
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty } from "../../parts/states";

export function Settings() {
  const { t } = useTranslation("common");
  const { _splat: _page } = useParams({ from: "/inside/settings/$" });
  return <Empty title={t("settings")} />;
}
