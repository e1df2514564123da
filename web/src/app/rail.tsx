// The rail: the mark, a new chat, the history, and at its foot the way to everything else.
import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../parts/button";
import { Mark } from "../parts/mark";
import { AccountMenu } from "./account_menu";
import styles from "./rail.module.css";

const History = lazy(() => import("../areas/chat/history"));

export function Rail({ onFold, onHelp }: { onFold: () => void; onHelp: () => void }) {
  const { t } = useTranslation("common");
  return (
    <nav className={styles.rail} aria-label={t("nav")}>
      <div className={styles.top}>
        <Link to="/" className={styles.name}>
          <Mark onDark />
          mynah
        </Link>
        <IconButton icon="rail" label={t("hideRail")} onClick={onFold} />
      </div>
      <Suspense fallback={<div className={styles.fill} />}>
        <History />
      </Suspense>
      <AccountMenu onHelp={onHelp} />
    </nav>
  );
}
