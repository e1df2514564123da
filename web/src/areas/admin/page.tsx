// Admin.
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty } from "../../parts/states";

export function Admin() {
  const { t } = useTranslation("common");
  const { _splat: _page } = useParams({ from: "/inside/admin/$" });
  return <Empty title={t("admin")} />;
}
