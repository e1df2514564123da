// What people thought of answers, for admins to look through.
import { get, type List, post } from "./http";

export const KINDS = ["thumb", "vote", "edit"] as const;
export type Wanted = {
  kind: string;
  model: string;
  rating: string;
  from: string;
  to: string;
  q: string;
};
export const EVERYTHING: Wanted = { kind: "", model: "", rating: "", from: "", to: "", q: "" };
export type Opinion = {
  id: string;
  kind: (typeof KINDS)[number];
  at: string;
  model: string;
  other_model: string;
  rating: number | null;
  reasons: string[];
  outcome: "a" | "b" | "tie" | "both_bad" | null;
  readable: boolean;
  asked: string | null;
  answer: string | null;
  other: string | null;
  comment: string | null;
};
export type Opinions = List<Opinion> & { models: string[] };

/** The filters that leave something out; days count from midnight to midnight of this place. */
export function chosen(wanted: Wanted): Partial<Wanted> {
  const asked = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value)) as Partial<Wanted>;
  if (asked.from) asked.from = midnight(asked.from, 0);
  if (asked.to) asked.to = midnight(asked.to, 1);
  return asked;
}

function midnight(day: string, later: number): string {
  const at = new Date(`${day}T00:00`);
  at.setDate(at.getDate() + later); // a day of summer time has not 24 hours
  return at.toISOString();
}

export const fetchOpinions = (wanted: Wanted, after: string | null) =>
  get<Opinions>(`/api/feedback?${new URLSearchParams({ ...chosen(wanted), ...(after && { after }) })}`);

export type DataSet = {
  number: number;
  kind: "demonstrations" | "comparisons";
  rows: number;
  split: string;
  /** The filters by which its judgements were chosen; empty: it has all. */
  listed: Partial<Wanted>;
  manifest: string;
  created_at: string;
};
export type Frozen = {
  number: number;
  items: DataSet[];
  left_out: Record<string, number>;
  replaced: Record<string, number>;
};

export const fetchDataSets = () => get<List<DataSet>>("/api/datasets");
/** Freeze what is listed under these filters; without any, everything that people judged. */
export function freeze(wanted: Wanted) {
  const { rating, ...listed } = chosen(wanted);
  return post<Frozen>("/api/datasets", { listed: { ...listed, ...(rating && { rating: Number(rating) }) } });
}
export const rowsOf = (set: DataSet) => `/api/datasets/${set.number}/${set.kind}`;
