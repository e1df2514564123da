// Toast: a short word about what was just done, at the head of the page, for as long as it takes to read, with at most one way to take it back.
import { useEffect, useSyncExternalStore } from "react";
import { Button } from "./button";
import styles from "./toast.module.css";

type Toast = { id: number; text: string; bad?: boolean; action?: { label: string; onSelect: () => void } };

let shown: Toast | null = null;
let count = 0;
const listeners = new Set<() => void>();

function show(next: Toast | null) {
  shown = next;
  for (const listener of listeners) listener();
}

/** Say something; it replaces what was said before. */
export function toast(text: string, more: Omit<Toast, "id" | "text"> = {}) {
  count += 1;
  show({ id: count, text, ...more });
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function Toasts() {
  const now = useSyncExternalStore(subscribe, () => shown);
  useEffect(() => {
    if (!now) return;
    const timer = setTimeout(() => show(null), now.bad || now.action ? 9000 : 2000 + 70 * now.text.length);
    return () => clearTimeout(timer);
  }, [now]);
  return (
    <div className={styles.place} role="status">
      {now && (
        <div key={now.id} className={`${styles.toast} ${now.bad ? styles.bad : ""}`}>
          <span>{now.text}</span>
          {now.action && (
            <Button
              kind="quiet"
              onClick={() => {
                now.action?.onSelect();
                show(null);
              }}
            >
              {now.action.label}
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
