// The menu at the rail's foot: the other pages, theme and language, the help sheet, signing out.
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { signOut } from "../api/session";
import { Icon } from "../parts/icon";
import { Menu, type MenuItem } from "../parts/menu";
import { LANGUAGES, type Language, setLanguage } from "./i18n";
import { forget } from "./query";
import styles from "./rail.module.css";
import { prefer, useSession } from "./session";
import { chosenTheme, setTheme, type Theme } from "./theme";

export function AccountMenu({ onHelp }: { onHelp: () => void }) {
  const { t, i18n } = useTranslation("common");
  const navigate = useNavigate();
  const session = useSession();
  const [theme, setThemeShown] = useState(chosenTheme);

  const themes = [null, "light", "dark"] as const;
  const chooseTheme = (to: Theme | null) => {
    setTheme(to);
    setThemeShown(to);
    void prefer({ theme: to ?? "system" }).catch(() => {});
  };
  const chooseLanguage = (to: Language) => {
    void setLanguage(to);
    void prefer({ language: to }).catch(() => {});
  };
  const leave = async () => {
    await signOut();
    forget();
    sessionStorage.clear(); // drafts that the service does not have
    await navigate({ to: "/login" });
  };

  const items: (MenuItem | "line")[] = [
    { label: t("settings"), icon: "gear", onSelect: () => navigate({ to: "/settings/$", params: { _splat: "" } }) },
  ];
  if (session?.user?.role === "admin")
    items.push(
      { label: t("runs"), icon: "chart", onSelect: () => navigate({ to: "/runs/$", params: { _splat: "" } }) },
      { label: t("admin"), icon: "sliders", onSelect: () => navigate({ to: "/admin/$", params: { _splat: "" } }) },
    );
  items.push({ label: t("help"), icon: "help", onSelect: onHelp }, "line");
  for (const to of themes)
    items.push({ label: t(`theme.${to ?? "system"}`), chosen: theme === to, onSelect: () => chooseTheme(to) });
  items.push("line");
  for (const [code, name] of Object.entries(LANGUAGES))
    items.push({
      label: name,
      chosen: i18n.resolvedLanguage === code,
      onSelect: () => chooseLanguage(code as Language),
    });
  if (session?.accounts) items.push("line", { label: t("signOut"), icon: "out", onSelect: () => void leave() });

  return (
    <div className={styles.foot}>
      <Menu
        className={styles.account}
        items={items}
        button={
          <>
            <Icon name="gear" />
            <span>{session?.user?.name ?? ""}</span>
            <span className="unseen">{t("account")}</span>
          </>
        }
      />
    </div>
  );
}
