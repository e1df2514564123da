// The highlighter, fetched with the first block of code. It gives classes and no inline styles, as the CSP wants.
import { toJsxRuntime } from "hast-util-to-jsx-runtime";
import { common, createLowlight } from "lowlight";
import type { ReactNode } from "react";
import { Fragment, jsx, jsxs } from "react/jsx-runtime";

const lowlight = createLowlight(common);

export function highlight(source: string, language: string): ReactNode {
  if (!lowlight.registered(language)) return source;
  return toJsxRuntime(lowlight.highlight(language, source), { Fragment, jsx, jsxs });
}
