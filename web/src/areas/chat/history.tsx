// The history in the rail: newest first, in groups by age, more as one scrolls; or, with words in the field, a search.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { memo, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { fetchHistory, type Hit, type Listed, searchChats } from "../../api/conversations";
import { useShortcuts } from "../../app/shortcuts";
import { Icon } from "../../parts/icon";
import { errorText, Loading } from "../../parts/states";
import { ChatMenu } from "./chat_menu";
import styles from "./history.module.css";
import { useSeen } from "./seen";
import { ageOf, monthName } from "./times";

export default function History() {
  const { t } = useTranslation("chat");
  const navigate = useNavigate();
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState("");
  const query = useDeferredValue(typed.trim());
  useShortcuts({
    search: () => {
      field.current?.focus();
      field.current?.select();
    },
    fresh: () => void navigate({ to: "/" }),
  });
  return (
    <div className={styles.history}>
      <Link to="/" className={styles.fresh} activeOptions={{ exact: true }}>
        <Icon name="plus" />
        {t("newChat")}
      </Link>
      <search className={styles.search}>
        <Icon name="search" size={17} />
        <input
          ref={field}
          type="search"
          value={typed}
          placeholder={t("search")}
          aria-label={t("search")}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape" || !typed) return;
            setTyped("");
            event.stopPropagation();
          }}
        />
      </search>
      {query ? <Results query={query} /> : <Listing />}
    </div>
  );
}

function Listing() {
  const { t, i18n } = useTranslation("chat");
  const here = useParams({ strict: false, select: (params) => params.id });
  const pages = useInfiniteQuery({
    queryKey: ["history"],
    queryFn: ({ pageParam }) => fetchHistory(pageParam),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
  });
  const groups = useMemo(() => grouped(pages.data?.pages.flatMap((page) => page.items) ?? []), [pages.data]);
  const more = useSeen(() => pages.hasNextPage && !pages.isFetching && void pages.fetchNextPage(), pages.data);
  if (pages.isPending)
    return (
      <div className={styles.list}>
        <Loading lines={6} />
      </div>
    );
  return (
    <div className={styles.list} data-scrolls>
      {pages.isError && (
        <p className={styles.note} role="alert">
          {errorText(pages.error, t("historyOffline"))}{" "}
          <button type="button" onClick={() => void pages.refetch()}>
            {t("common:retry")}
          </button>
        </p>
      )}
      {!pages.isError && groups.length === 0 && <p className={styles.note}>{t("historyEmpty")}</p>}
      {groups.map(([age, talks]) => (
        <section key={age}>
          <h2>{/^\d/.test(age) ? monthName(age, i18n.language) : t(`age.${age}`)}</h2>
          <ul>
            {talks.map((talk) => (
              <Item key={talk.id} talk={talk} here={talk.id === here} />
            ))}
          </ul>
        </section>
      ))}
      <div ref={more} className={styles.more} />
    </div>
  );
}

const Item = memo(({ talk, here }: { talk: Listed; here: boolean }) => {
  const { t } = useTranslation("chat");
  return (
    <li className={`${styles.item} ${here ? styles.here : ""}`}>
      <Link to="/c/$id" params={{ id: talk.id }} preload={false} aria-current={here ? "page" : undefined}>
        {talk.title || t("untitled")}
      </Link>
      <ChatMenu talk={talk} className={styles.menu} />
    </li>
  );
});

function Results({ query }: { query: string }) {
  const { t } = useTranslation("chat");
  const [wanted, setWanted] = useState(query);
  useEffect(() => {
    const timer = setTimeout(() => setWanted(query), 150);
    return () => clearTimeout(timer);
  }, [query]);
  const found = useQuery({
    queryKey: ["search", wanted],
    queryFn: () => searchChats(wanted),
    placeholderData: (before) => before,
  });
  const hits = found.data?.items ?? [];
  return (
    <div className={styles.list} aria-busy={found.isFetching}>
      <p className="unseen" role="status">
        {found.isSuccess && t("hits", { count: hits.length })}
      </p>
      {found.isError && <p className={styles.note}>{errorText(found.error, t("historyOffline"))}</p>}
      {found.isSuccess && hits.length === 0 && <p className={styles.note}>{t("noHits", { query: wanted })}</p>}
      <ul>
        {hits.map((hit) => (
          <li key={hit.message} className={styles.hit}>
            <Link to="/c/$id" params={{ id: hit.conversation }} search={{ m: hit.message }} preload={false}>
              <strong>{hit.title || t("untitled")}</strong>
              <Snippet hit={hit} query={wanted} />
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The text around a hit, with the words that were sought marked. */
function Snippet({ hit, query }: { hit: Hit; query: string }) {
  const words = query.replaceAll('"', " ").trim().split(/\s+/).filter(Boolean);
  const pattern = new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "gi");
  return (
    <span>
      {hit.snippet.split(pattern).map((piece, i) =>
        // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text
        i % 2 ? <mark key={i}>{piece}</mark> : piece,
      )}
    </span>
  );
}

/** Pinned ones, and then by age. */
function grouped(talks: Listed[]): [string, Listed[]][] {
  const groups = new Map<string, Listed[]>();
  const seen = new Set<string>();
  const now = new Date();
  for (const talk of talks) {
    if (seen.has(talk.id)) continue; // a page that was fetched before another talk moved up
    seen.add(talk.id);
    const age = talk.pinned ? "pinned" : ageOf(new Date(talk.updated_at), now);
    const group = groups.get(age);
    if (group) group.push(talk);
    else groups.set(age, [talk]);
  }
  return [...groups];
}
