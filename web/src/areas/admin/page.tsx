// Administration: people, models, feedback, usage, the service's settings, the audit trail; one address each.
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useSession } from "../../app/session";
import { Sections } from "../../parts/sections";
import { Empty } from "../../parts/states";
import { Audit } from "./audit";
import { Feedback } from "./feedback";
import { Models } from "./models";
import { People } from "./people";
import { Service } from "./service";
import { UsageOfAll } from "./usage";

const PAGES = {
  "": People,
  models: Models,
  feedback: Feedback,
  usage: UsageOfAll,
  service: Service,
  audit: Audit,
} as const;

export function Admin() {
  const { t } = useTranslation("admin");
  const { _splat: at = "" } = useParams({ from: "/inside/admin/$" });
  const session = useSession();
  if (session && session.user?.role !== "admin") return <Empty title={t("adminsOnly")} />;
  const Page = PAGES[at as keyof typeof PAGES];
  const sections = Object.keys(PAGES).map((name) => ({ at: name, label: t(`pages.${name || "people"}`) }));
  return (
    <Sections title={t("title")} label={t("title")} area="/admin/$" sections={sections}>
      {Page ? <Page /> : <Empty title={t("noPage")} />}
    </Sections>
  );
}
