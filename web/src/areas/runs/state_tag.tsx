// Whether a run or a stage is at work.
import { useTranslation } from "react-i18next";
import type { State } from "../../api/runs";
import { Tag } from "../../parts/tag";

const KINDS = {
  running: "live",
  done: "good",
  stopped: "bad",
  missing: "bad",
  empty: "plain",
  unreadable: "bad",
} as const;

export function StateTag({ state }: { state: State }) {
  const { t } = useTranslation("runs");
  return <Tag kind={KINDS[state]}>{t(`state.${state}`)}</Tag>;
}
