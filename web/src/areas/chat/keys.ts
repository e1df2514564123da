// Keys, as people mean them.
import type { KeyboardEvent } from "react";

/** Enter, unless it ends a composition of Chinese, Japanese or Korean (Safari tells that one by 229 only). */
export function isPlainEnter(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing && event.keyCode !== 229;
}
