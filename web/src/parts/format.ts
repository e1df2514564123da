// How times, counts, shares and hashes are written, in the language of the page.
import { useTranslation } from "react-i18next";

export type Format = ReturnType<typeof format>;

function format(language: string) {
  const full = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  const count = new Intl.NumberFormat(language);
  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const fine = new Intl.NumberFormat(language, { maximumSignificantDigits: 4 });
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  const moment = (text: string | number | null | undefined) => {
    const at = new Date(typeof text === "number" ? text * 1000 : (text ?? ""));
    return Number.isNaN(at.getTime()) ? null : at;
  };
  return {
    /** Day and time; seconds since 1970 or ISO 8601. */
    time: (text: string | number | null | undefined) => (moment(text) ? full.format(moment(text) as Date) : "–"),
    day: (text: string | null | undefined) => (moment(text) ? date.format(moment(text) as Date) : "–"),
    count: (value: number) => count.format(value),
    /** 12.3K */
    short: (value: number) => short.format(value),
    /** A measured figure: four digits that count. */
    figure: (value: number) =>
      Number.isInteger(value)
        ? count.format(value)
        : value !== 0 && Math.abs(value) < 1e-4
          ? value.toExponential(2)
          : fine.format(value),
    percent: (value: number) => percent.format(value),
    /** 1:02:03, or 4.2 s. */
    duration: (seconds: number | null | undefined) => {
      if (seconds === null || seconds === undefined) return "–";
      if (seconds < 60) return `${fine.format(Math.round(seconds * 10) / 10)} s`;
      const whole = Math.round(seconds);
      const two = (part: number) => String(part).padStart(2, "0");
      const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
      return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
    },
  };
}

const made = new Map<string, Format>();

export function useFormat(): Format {
  const { i18n } = useTranslation("common");
  const language = i18n.resolvedLanguage ?? "en";
  let found = made.get(language);
  if (!found) {
    found = format(language);
    made.set(language, found);
  }
  return found;
}

/** A hash as people compare it: its first eight digits. */
export const short = (hash: string | null | undefined) => (hash ?? "").replace("sha256:", "").slice(0, 8) || "–";
