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

/** The chosen filters as a query; days count from midnight to midnight of this place. */
export function query(wanted: Wanted, more: Record<string, string> = {}): string {
  const asked = new URLSearchParams(more);
  for (const name of ["kind", "model", "rating", "q"] as const) if (wanted[name]) asked.set(name, wanted[name]);
  if (wanted.from) asked.set("from", new Date(`${wanted.from}T00:00`).toISOString());
  if (wanted.to) asked.set("to", new Date(new Date(`${wanted.to}T00:00`).getTime() + 86_400_000).toISOString());
  return asked.toString();
}

export const fetchOpinions = (wanted: Wanted, after: string | null) =>
  get<Opinions>(`/api/feedback?${query(wanted, after ? { after } : {})}`);

export type DataSet = {
  number: number;
  kind: "demonstrations" | "comparisons";
  rows: number;
  split: string;
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
export const freeze = () => post<Frozen>("/api/datasets");
export const rowsOf = (set: DataSet) => `/api/datasets/${set.number}/${set.kind}`;
