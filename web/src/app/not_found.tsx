// An address that leads nowhere.
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty } from "../parts/states";

export function NotFound() {
  const { t } = useTranslation("common");
  return (
    <main>
      <Empty title={t("notFound")}>
        <Link to="/">{t("toChat")}</Link>
      </Empty>
    </main>
  );
}
