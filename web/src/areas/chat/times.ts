// How old a conversation is, in the words of a history.
const DAY = 86_400_000;

/** today, yesterday, week, month, or the month as 2026-11. */
export function ageOf(at: Date, now: Date): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  if (at.getTime() >= midnight) return "today";
  if (at.getTime() >= midnight - DAY) return "yesterday";
  if (at.getTime() >= midnight - 7 * DAY) return "week";
  if (at.getTime() >= midnight - 30 * DAY) return "month";
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}`;
}

export function monthName(month: string, language: string): string {
  const format = new Intl.DateTimeFormat(language, { month: "long", year: "numeric" });
  return format.format(new Date(`${month}-15T12:00:00`));
}

export function when(at: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}
