// Settings: account, chat, data, sessions, keys with their usage; one address each.
import { useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useSession } from "../../app/session";
import { Sections } from "../../parts/sections";
import { Empty } from "../../parts/states";
import { Account } from "./account";
import { ChatSettings } from "./chat_settings";
import { Data } from "./data";
import { Keys } from "./keys";
import { Sessions } from "./sessions";
import { MyUsage } from "./usage";

const PAGES = {
  "": ChatSettings,
  account: Account,
  data: Data,
  sessions: Sessions,
  keys: Keys,
  usage: MyUsage,
} as const;
const WITH_ACCOUNTS = new Set(["account", "sessions", "keys"]);

export function Settings() {
  const { t } = useTranslation("settings");
  const { _splat: at = "" } = useParams({ from: "/inside/settings/$" });
  const accounts = useSession()?.accounts ?? false;
  const names = Object.keys(PAGES).filter((name) => accounts || !WITH_ACCOUNTS.has(name));
  const Page = names.includes(at) ? PAGES[at as keyof typeof PAGES] : undefined;
  const sections = names.map((name) => ({ at: name, label: t(`pages.${name || "chat"}`) }));
  return (
    <Sections title={t("title")} label={t("title")} area="/settings/$" sections={sections}>
      {Page ? <Page /> : <Empty title={t("noPage")} />}
    </Sections>
  );
}
