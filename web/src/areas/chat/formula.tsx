// A formula. KaTeX comes with the first one; until then, and where it cannot be read, the TeX is shown as it is.
import { useEffect, useRef, useState } from "react";
import styles from "./markdown.module.css";

export function Formula({ tex, display = false }: { tex: string; display?: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  const [drawn, setDrawn] = useState(false);
  useEffect(() => {
    let here = true;
    void import("./katex").then(({ default: katex }) => {
      if (!here || !place.current) return;
      // Built as nodes, so the strict CSP has nothing to refuse (KaTeX's own marking of an error would be one thing);
      // `trust: false` leaves \\href, \\includegraphics and their like out.
      const how = { displayMode: display, trust: false, throwOnError: true, maxSize: 40, maxExpand: 500 };
      try {
        katex.render(tex, place.current, { ...how, errorColor: "currentColor", strict: "ignore" });
      } catch {
        return; // no formula after all
      }
      setDrawn(true);
    });
    return () => {
      here = false;
    };
  }, [tex, display]);
  return (
    <span className={display ? styles.display : undefined}>
      {!drawn && <code className={styles.inline}>{tex}</code>}
      <span ref={place} />
    </span>
  );
}
