// Sections: a page of several pages: its title, the way between them, and the one that is open.
import { Link, useRouterState } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import styles from "./sections.module.css";

type Area = "/settings/$" | "/admin/$" | "/runs/$";
type SectionsProps = {
  title: string;
  /** Beside the title. */
  aside?: ReactNode;
  /** The name of the way between them, for those who listen. */
  label: string;
  area: Area;
  sections: { at: string; label: string }[];
  children: ReactNode;
};

export function Sections({ title, aside, label, area, sections, children }: SectionsProps) {
  const way = useRef<HTMLElement>(null);
  const at = useRouterState({ select: (state) => state.location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: on a phone the way is longer than the screen
  useEffect(() => {
    way.current?.querySelector("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [at]);
  const open = sections.find((section) => at.endsWith(`/${section.at}`))?.label;
  useEffect(() => {
    document.title = [open, title, "mynah"].filter(Boolean).join(" · ");
  }, [open, title]);
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <h1>{title}</h1>
        {aside}
      </header>
      {sections.length > 1 && (
        <nav ref={way} className={styles.way} aria-label={label}>
          {sections.map(({ at, label: name }) => (
            <Link key={at} to={area} params={{ _splat: at }} activeOptions={{ exact: true }} className={styles.link}>
              {name}
            </Link>
          ))}
        </nav>
      )}
      {children}
    </div>
  );
}

/** One part of a page, with a heading and perhaps a sentence about it. */
export function Part({
  title,
  about,
  aside,
  children,
}: {
  title: string;
  about?: ReactNode;
  aside?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <section className={styles.part}>
      <div className={styles.partHead}>
        <h2>{title}</h2>
        {aside}
      </div>
      {about && <p className={styles.about}>{about}</p>}
      {children}
    </section>
  );
}
