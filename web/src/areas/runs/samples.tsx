// Answers to the same prompts: of every model side by side, and of the policy as PPO went on.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { fetchSamples, type Sample } from "../../api/runs";
import { Button } from "../../parts/button";
import { Part } from "../../parts/sections";
import { Empty, Failed, Loading } from "../../parts/states";
import styles from "./runs.module.css";

/** `running`: more may come by itself. */
export function SampleList({ name, running }: { name: string; running: boolean }) {
  const { t } = useTranslation("runs");
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["runs", name, "samples"],
    queryFn: ({ pageParam }) => fetchSamples(name, pageParam),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    refetchInterval: running ? 5000 : false,
  });
  if (error) return <Failed error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading lines={8} />;
  const models = data.pages[0]?.side_by_side ?? [];
  const items = data.pages.flatMap((page) => page.items);
  if (models.length === 0 && items.length === 0)
    return (
      <Empty title={t("noSamples")}>
        <p>{t("noSamplesHint")}</p>
        <code className={styles.command}>mynah demo</code>
      </Empty>
    );
  return (
    <>
      {items.length > 0 && (
        <Part title={t("overTime")} about={t("overTimeAbout")}>
          <Samples samples={items} label={(label) => (label === "start" ? t("atStart") : t("iteration", { label }))} />
          {hasNextPage && (
            <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
              {t("moreSamples")}
            </Button>
          )}
        </Part>
      )}
      {models.length > 0 && (
        <Part title={t("sideBySide")} about={t("sideBySideAbout")}>
          <Samples samples={models} label={(label) => t(`model.${label}`)} />
        </Part>
      )}
    </>
  );
}

function Samples({ samples, label }: { samples: Sample[]; label: (label: string) => string }) {
  return (
    <ul className={styles.samples}>
      {samples.map((sample, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list only grows
        <li key={i} className={styles.sample}>
          <div className={styles.prompt}>
            {sample.behaviour && <p className={styles.behaviour}>{sample.behaviour}</p>}
            {sample.prompt.map((message, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: messages stand in order and never move
              <p key={at}>
                {message.role !== "user" && <b>{message.role} </b>}
                {message.content}
              </p>
            ))}
          </div>
          <dl className={styles.answers}>
            {sample.answers.map((answer) => (
              <div key={answer.label}>
                <dt>{label(answer.label)}</dt>
                <dd>{answer.text || "–"}</dd>
              </div>
            ))}
          </dl>
        </li>
      ))}
    </ul>
  );
}
