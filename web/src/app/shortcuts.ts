// The keyboard's shortcuts, all listed here; the help sheet shows this list.
import { useEffect, useRef } from "react";

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

/** name → its keys; "mod" is Ctrl, on a Mac ⌘. A single letter counts only outside of text fields. */
export const SHORTCUTS = {
  help: ["?"],
  search: ["mod", "K"],
  find: ["mod", "F"],
  fresh: ["mod", "Shift", "O"],
  rail: ["mod", "Shift", "S"],
  compose: ["Shift", "Escape"],
  copy: ["mod", "Shift", "Y"],
  escape: ["Escape"],
} as const;

export type Shortcut = keyof typeof SHORTCUTS;

export function keyNames(keys: readonly string[]): string[] {
  const names: Record<string, string> = mac ? { mod: "⌘", Shift: "⇧", Escape: "esc" } : { mod: "Ctrl", Escape: "Esc" };
  return keys.map((key) => names[key] ?? key);
}

function pressed(event: KeyboardEvent, keys: readonly string[]): boolean {
  const key = keys.at(-1) ?? "";
  const mod = mac ? event.metaKey : event.ctrlKey;
  if (event.key.toLowerCase() !== key.toLowerCase() || event.altKey) return false;
  if (keys.includes("mod") !== mod) return false;
  return key === "?" || keys.includes("Shift") === event.shiftKey; // on many keyboards ? is itself with Shift
}

function typing(event: KeyboardEvent): boolean {
  return event.target instanceof HTMLElement && event.target.matches("input, textarea, select, [contenteditable=true]");
}

/** Run these while the component is there; a handler that returns false leaves the key to others. */
// biome-ignore lint/suspicious/noConfusingVoidType: most handlers return nothing
export function useShortcuts(handlers: Partial<Record<Shortcut, () => false | void>>) {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.isComposing || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      for (const [name, keys] of Object.entries(SHORTCUTS)) {
        const handler = latest.current[name as Shortcut];
        if (!handler || !pressed(event, keys) || (keys.length === 1 && keys[0] === "?" && typing(event))) continue;
        if (handler() !== false && name !== "escape") event.preventDefault();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}
