// A win rate with its interval and what it was measured against, in one line.
import type { TFunction } from "i18next";
import type { WinRate } from "../../api/runs";
import type { Format } from "../../parts/format";

export function winRate(win: WinRate, t: TFunction<"admin">, format: Format): string {
  const interval =
    win.low !== undefined && win.high !== undefined
      ? ` (${t("interval", { low: format.percent(win.low), high: format.percent(win.high) })})`
      : "";
  const against = win.against ? t("against", { stage: win.against }) : "";
  return [`${format.percent(win.rate)}${interval}`, against, win.n ? `n = ${win.n}` : ""].filter(Boolean).join(", ");
}
