// What people thought of answers: filters, the list, and the data as files. Words only of people who agreed to be read.
import { useInfiniteQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { EVERYTHING, fetchOpinions, KINDS, type Opinion, type Wanted } from "../../api/feedback_list";
import { Button } from "../../parts/button";
import { SelectField, TextField } from "../../parts/field";
import { useFormat } from "../../parts/format";
import { Part } from "../../parts/sections";
import { Empty, Failed, Loading } from "../../parts/states";
import { Tag } from "../../parts/tag";
import styles from "./admin.module.css";
import { DataSets } from "./datasets";

export function Feedback() {
  const { t } = useTranslation("admin");
  const [wanted, setWanted] = useState<Wanted>(EVERYTHING);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["feedback", wanted],
    queryFn: ({ pageParam }) => fetchOpinions(wanted, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
    staleTime: 0,
  });
  const rows = data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = Object.values(wanted).some(Boolean);
  return (
    <>
      <Part title={t("pages.feedback")} about={t("feedbackAbout")}>
        <Filters wanted={wanted} models={data?.pages[0]?.models ?? []} onChange={setWanted} />
        {error ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : !data ? (
          <Loading lines={8} />
        ) : rows.length === 0 ? (
          <Empty title={t(filtered ? "nothingFits" : "noFeedback")}>
            {filtered ? (
              <Button onClick={() => setWanted(EVERYTHING)}>{t("showAll")}</Button>
            ) : (
              <p>{t("noFeedbackHint")}</p>
            )}
          </Empty>
        ) : (
          <>
            <ul className={styles.opinions} aria-label={t("pages.feedback")}>
              {rows.map((row) => (
                <li key={row.id}>
                  <OpinionCard row={row} />
                </li>
              ))}
            </ul>
            {hasNextPage && (
              <Button busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
                {t("more")}
              </Button>
            )}
          </>
        )}
      </Part>
      <DataSets wanted={wanted} filtered={filtered} />
    </>
  );
}

type FiltersProps = { wanted: Wanted; models: string[]; onChange: (wanted: Wanted) => void };

function Filters({ wanted, models, onChange }: FiltersProps) {
  const { t } = useTranslation("admin");
  const [words, setWords] = useState(wanted.q);
  const set = (name: keyof Wanted) => (event: { target: { value: string } }) =>
    onChange({ ...wanted, [name]: event.target.value });
  const search = (event: FormEvent) => {
    event.preventDefault();
    onChange({ ...wanted, q: words.trim() });
  };
  return (
    <search>
      <form className={styles.filters} onSubmit={search}>
        <SelectField label={t("kind")} value={wanted.kind} onChange={set("kind")}>
          <option value="">{t("all")}</option>
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {t(`kinds.${kind}`)}
            </option>
          ))}
        </SelectField>
        <SelectField label={t("rating")} value={wanted.rating} onChange={set("rating")}>
          <option value="">{t("all")}</option>
          <option value="1">{t("up")}</option>
          <option value="-1">{t("down")}</option>
        </SelectField>
        <SelectField label={t("model")} value={wanted.model} onChange={set("model")}>
          <option value="">{t("all")}</option>
          {models.map((model) => (
            <option key={model}>{model}</option>
          ))}
        </SelectField>
        <TextField label={t("from")} type="date" value={wanted.from} max={wanted.to} onChange={set("from")} />
        <TextField label={t("to")} type="date" value={wanted.to} min={wanted.from} onChange={set("to")} />
        <TextField
          label={t("words")}
          type="search"
          value={words}
          maxLength={200}
          onChange={(event) => {
            setWords(event.target.value);
            if (event.target.value === "") onChange({ ...wanted, q: "" });
          }}
        />
        <Button type="submit" icon="search">
          {t("search")}
        </Button>
      </form>
    </search>
  );
}

function OpinionCard({ row }: { row: Opinion }) {
  const { t } = useTranslation("admin");
  const format = useFormat();
  return (
    <article className={styles.opinion}>
      <header>
        <Judgement row={row} />
        <span>{[row.model, row.other_model].filter(Boolean).join(" · ")}</span>
        <time dateTime={row.at}>{format.time(row.at)}</time>
      </header>
      {row.readable ? (
        <>
          <Words name={t("asked")} text={row.asked} />
          <div className={styles.sides}>
            <Words
              name={row.kind === "thumb" ? t("answer") : row.kind === "edit" ? t("before") : "A"}
              text={row.answer}
            />
            {row.kind !== "thumb" && <Words name={row.kind === "edit" ? t("after") : "B"} text={row.other} />}
          </div>
          {row.comment && <Words name={t("comment")} text={row.comment} />}
        </>
      ) : (
        <p className={styles.note}>{t("withheld")}</p>
      )}
      {row.reasons.length > 0 && (
        <p className={styles.reasons}>
          {row.reasons.map((reason) => (
            <Tag key={reason}>{t(`chat:reason.${reason}`, { defaultValue: reason.replaceAll("_", " ") })}</Tag>
          ))}
        </p>
      )}
    </article>
  );
}

function Judgement({ row }: { row: Opinion }) {
  const { t } = useTranslation("admin");
  if (row.kind === "thumb")
    return <Tag kind={row.rating === 1 ? "good" : "bad"}>{t(row.rating === 1 ? "up" : "down")}</Tag>;
  if (row.kind === "edit") return <Tag>{t("edited")}</Tag>;
  return <Tag>{t(`outcomes.${row.outcome ?? "tie"}`)}</Tag>;
}

function Words({ name, text }: { name: string; text: string | null }) {
  const { t } = useTranslation("admin");
  return (
    <div className={styles.said}>
      <h3>{name}</h3>
      <p>{text ?? t("erased")}</p>
    </div>
  );
}
