// Menu: a button that opens a list of commands, by the ARIA pattern: arrows move, letters jump, Escape goes back.
import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { Icon, type IconName } from "./icon";
import styles from "./menu.module.css";

export type MenuItem = {
  label: string;
  hint?: string;
  icon?: IconName;
  danger?: boolean;
  /** Given: one of several choices, and whether it is the chosen one. */
  chosen?: boolean;
  onSelect: () => void;
};

type MenuProps = {
  /** The button's name where its content is only a picture. */
  label?: string;
  button: ReactNode;
  items: (MenuItem | "line")[];
  className?: string | undefined;
  onOpenChange?: (open: boolean) => void;
};

export function Menu({ label, button, items, className = "", onOpenChange }: MenuProps) {
  const [open, setOpen] = useState(false);
  const trigger = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();

  const change = (to: boolean, refocus = true) => {
    setOpen(to);
    onOpenChange?.(to);
    if (!to && refocus) trigger.current?.focus();
  };

  // In the browser's top layer, so that no scrolling box cuts it off; beside its button, on the side that has room.
  useLayoutEffect(() => {
    if (!open || !list.current || !trigger.current) return;
    const box = list.current;
    box.showPopover();
    const at = trigger.current.getBoundingClientRect();
    const below = at.bottom + box.offsetHeight + 12 < innerHeight;
    const left = Math.min(at.left, innerWidth - box.offsetWidth - 8);
    box.style.left = `${Math.max(8, left)}px`;
    box.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - box.offsetHeight - 4)}px`;
    (
      box.querySelector<HTMLElement>("[aria-checked=true]") ?? box.querySelector<HTMLElement>("[role^=menuitem]")
    )?.focus();
  }, [open]);

  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      const target = event.target as Node;
      if (!list.current?.contains(target) && !trigger.current?.contains(target)) setOpen(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const here = all.indexOf(document.activeElement as HTMLElement);
    const go = (to: number) => all[(to + all.length) % all.length]?.focus();
    if (event.key === "ArrowDown") go(here + 1);
    else if (event.key === "ArrowUp") go(here - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(-1);
    else if (event.key === "Escape") change(false);
    else if (event.key === "Tab") change(false);
    else if (event.key.length === 1 && event.key !== " ") {
      const after = [...all.slice(here + 1), ...all];
      after.find((item) => item.textContent?.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <button
        ref={trigger}
        type="button"
        className={`${styles.trigger} ${className}`}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        title={label}
        onClick={() => change(!open, false)}
      >
        {button}
      </button>
      {open && (
        <div
          ref={list}
          id={id}
          role="menu"
          tabIndex={-1}
          popover="manual"
          className={styles.menu}
          onKeyDown={onKeyDown}
        >
          {items.map((item, i) =>
            item === "line" ? (
              // biome-ignore lint/suspicious/noArrayIndexKey: a line has nothing else to be known by
              <hr key={i} />
            ) : (
              <button
                key={item.label}
                type="button"
                role={item.chosen === undefined ? "menuitem" : "menuitemradio"}
                aria-checked={item.chosen}
                tabIndex={-1}
                className={item.danger ? styles.danger : ""}
                onClick={() => {
                  change(false);
                  item.onSelect();
                }}
              >
                {item.icon && <Icon name={item.icon} size={18} />}
                <span className={styles.label}>
                  {item.label}
                  {item.hint && <small>{item.hint}</small>}
                </span>
                {item.chosen && <Icon name="check" size={18} />}
              </button>
            ),
          )}
        </div>
      )}
    </>
  );
}
