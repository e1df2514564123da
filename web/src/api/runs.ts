// Runs, and the models that are served from them; for admins.
import { get, type List, part, post } from "./http";

export type State = "running" | "done" | "stopped" | "missing" | "empty" | "unreadable";
export type Kind = "pretrain" | "sft" | "reward" | "feedme" | "ppo";
export type RunRow = {
  name: string;
  created: string;
  changed: string;
  rounds: number;
  state: State;
  stage: string;
  stages: { key: string; kind: Kind }[];
  seconds: number;
};
export type Parent = { stage: string; weights: string | null };
export type Stage = {
  key: string;
  kind: Kind;
  round: number;
  state: State;
  /** Somebody asked it to stop, and it has not yet. */
  stopping: boolean;
  step: number | null;
  started: string | null;
  finished: string | null;
  seconds: number | null;
  seed: number | null;
  code_version: string;
  weights: string | null;
  settings: Record<string, unknown>;
  parents: Record<string, Parent>;
  data: Record<string, { path: string; hash: string }>;
  figures: Record<string, unknown>;
  servable: boolean;
};
export type WinRate = { rate: number; low?: number; high?: number; n?: number; against?: string; simulated?: boolean };
export type Measured = {
  round?: number;
  simulated?: boolean;
  exam?: Record<string, number>;
  win_rate?: Record<string, WinRate>;
  reward?: Record<string, number>;
};
export type Run = Omit<RunRow, "stages"> & {
  recipe: string;
  hardware: Record<string, unknown>;
  newest: Partial<Record<Kind, string>>;
  stages: Stage[];
  report: boolean;
  measured: Measured;
};
export type Points = {
  step: number[];
  columns: Record<string, (number | null)[]>;
  every: number;
  reset: boolean;
  next: string;
  stage: string;
  state: State;
};
export type Sample = {
  prompt: { role: string; content: string }[];
  behaviour: string;
  answers: { label: string; text: string }[];
};
export type Samples = { side_by_side: Sample[]; items: Sample[]; next: string | null };

export type Served = {
  name: string;
  run: string | null;
  stage: string | null;
  kind: Kind | null;
  weights: string;
  tokenizer: string;
  context: number;
  since: number;
  in_flight: number;
  parents: Record<string, Parent>;
  lineage: { run: string; stage: string; kind: Kind; weights: string | null }[];
  figures: { exam?: number; win_rate?: WinRate; stage?: Record<string, unknown> };
};
export type Decision = {
  id: string;
  decision: "promote" | "reject" | "rollback";
  at: string;
  by: string;
  reason: string;
  served_as: string | null;
  run: string | null;
  stage: string | null;
  replaced: { run?: string; stage?: string; weights?: string } | null;
  win_rate: WinRate | null;
  direct: boolean | null;
};
export type ServedModels = List<Served> & { draining: Served[]; history: Decision[]; other_engine: boolean };

export const fetchRuns = () => get<List<RunRow>>("/api/runs");
export const fetchRun = (name: string) => get<Run>(`/api/runs/${part(name)}`);
export const fetchPoints = (name: string, stage: string, after: string) =>
  get<Points>(`/api/runs/${part(name)}/metrics?stage=${part(stage)}&after=${part(after)}`);
export const fetchSamples = (name: string, after: string) =>
  get<Samples>(`/api/runs/${part(name)}/samples${after ? `?after=${part(after)}` : ""}`);
export const stopStage = (name: string, stage: string) =>
  post<{ stopping: boolean }>(`/api/runs/${part(name)}/stop?stage=${part(stage)}`);
export const reportOf = (name: string) => `/api/runs/${part(name)}/report`;

export const fetchServed = () => get<ServedModels>("/api/served");
export const promote = (what: { run: string; stage: string; name: string; reason: string }) =>
  post<ServedModels>("/api/served/promote", what);
export const rollBack = (what: { name: string; reason: string }) => post<ServedModels>("/api/served/rollback", what);
