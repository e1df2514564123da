// The frame around every inner page: the rail on the left (a drawer on phones), the page on the right.
import { Outlet, useRouter } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../parts/button";
import styles from "./frame.module.css";
import { FrameContext } from "./frame_context";
import { Rail } from "./rail";
import { useChosenLook, useSignedOut } from "./session";
import { useShortcuts } from "./shortcuts";

const Help = lazy(() => import("./help"));

export function Frame() {
  const { t } = useTranslation("common");
  const [drawer, setDrawer] = useState(false);
  const [folded, setFolded] = useState(() => localStorage.getItem("rail") === "folded");
  const [help, setHelp] = useState(false);
  const router = useRouter();
  // Going somewhere closes the drawer, also to where one is already.
  useEffect(() => router.subscribe("onBeforeLoad", () => setDrawer(false)), [router]);

  const fold = () => {
    if (matchMedia("(max-width: 52rem)").matches) return setDrawer(!drawer);
    localStorage.setItem("rail", folded ? "open" : "folded");
    setFolded(!folded);
  };
  useChosenLook();
  useSignedOut();
  useShortcuts({ help: () => setHelp(true), rail: fold, escape: () => setDrawer(false) });

  return (
    <FrameContext value={{ openRail: fold, folded }}>
      <a className={styles.skip} href="#main">
        {t("skip")}
      </a>
      <div className={`${styles.frame} ${folded ? styles.folded : ""} ${drawer ? styles.drawer : ""}`}>
        <Rail onFold={fold} onHelp={() => setHelp(true)} />
        <button
          type="button"
          className={styles.veil}
          aria-label={t("close")}
          tabIndex={-1}
          onClick={() => setDrawer(false)}
        />
        <main id="main" tabIndex={-1} className={styles.main}>
          <IconButton
            className={styles.open ?? ""}
            icon="menu"
            label={t("showRail")}
            onClick={fold}
            aria-expanded={drawer}
          />
          <Outlet />
        </main>
      </div>
      {help && (
        <Suspense>
          <Help onClose={() => setHelp(false)} />
        </Suspense>
      )}
    </FrameContext>
  );
}
