// What is typed or pasted and not sent, kept by the service a moment after each pause, so that it is there tomorrow too.
// Until the service has it, this tab keeps a copy.
import { useCallback, useEffect, useRef, useState } from "react";
import { fetchDraft, saveDraft } from "../../api/conversations";
import { SIGNED_OUT } from "../../api/http";
import { queries } from "../../app/query";
import { sessionQuery, useSession } from "../../app/session";

/** A long text that was pasted: a block beside the field. */
export type Pasted = { id: number; text: string; lines: number };
export type Draft = { text: string; pasted: Pasted[] };

const EMPTY: Draft = { text: "", pasted: [] };
const PAUSE = 700;
const LONG = 100_000;
const LONG_PAUSE = 4000;
/** The service takes no longer one; such a draft stays in this tab. */
const LONGEST = 1_000_000;

type State = {
  draft: Draft;
  /** On its way to the model: no longer in the field, and not yet safe elsewhere. */
  leaving: Draft;
  touched: boolean;
  timer: number;
  /** What the service has; null: not known. */
  saved: string | null;
  /** What it is being told. */
  told: string | null;
};

/** `place`: a conversation's id, or `new`; null keeps nothing, as in a temporary chat. */
export function useDraft(place: string | null) {
  const me = useSession()?.user?.id;
  const [person] = useState(me);
  const [draft, setDraft] = useState(EMPTY);
  const state = useRef<State>({ draft, leaving: EMPTY, touched: false, timer: 0, saved: null, told: null });
  const key = place !== null && person !== undefined ? `draft ${person} ${place}` : null;

  const save = useCallback(
    (when: "paused" | "leaving" | "signed out") => {
      const now = state.current;
      if (place === null || key === null || !now.touched) return;
      if (queries.getQueryData(sessionQuery.queryKey)?.user?.id !== person) return; // somebody else's tab by now
      const content = written(joined(now.leaving, now.draft));
      if (content === (now.told ?? now.saved)) {
        if (now.told === null) sessionStorage.removeItem(key);
        return;
      }
      keepCopy(key, content);
      if (when === "signed out" || content.length > LONGEST) return;
      now.told = content;
      const over = (there: boolean) => {
        if (now.told === content) now.told = null;
        if (!there) return;
        now.saved = content;
        if (sessionStorage.getItem(key) === content) sessionStorage.removeItem(key);
      };
      saveDraft(place, content, when === "leaving").then(
        () => over(true),
        () => over(false),
      );
    },
    [place, key, person],
  );

  const change = useCallback(
    (to: (draft: Draft) => Draft) => {
      const now = state.current;
      now.draft = to(now.draft);
      now.touched = true;
      setDraft(now.draft);
      clearTimeout(now.timer);
      now.timer = window.setTimeout(() => save("paused"), lengthOf(now.draft) > LONG ? LONG_PAUSE : PAUSE);
    },
    [save],
  );

  /** Out of the field, to be sent. What is given back says whether it left; if not, it is again before what was typed since. */
  const take = useCallback(() => {
    const taken = state.current.draft;
    state.current.leaving = taken;
    change(() => EMPTY);
    return (left: boolean) => {
      state.current.leaving = EMPTY;
      change((since) => (left ? since : joined(taken, since)));
    };
  }, [change]);

  useEffect(() => {
    if (place === null || key === null) return;
    let here = true;
    const copy = sessionStorage.getItem(key);
    if (copy !== null && !state.current.touched) change(() => read(copy));
    else
      fetchDraft(place).then(
        ({ content }) => {
          if (!here || state.current.touched) return;
          state.current.saved = content;
          if (!content) return;
          state.current.draft = read(content);
          setDraft(state.current.draft);
        },
        () => {}, // a draft that cannot be fetched is no reason to disturb anybody
      );
    const leave = () => save("leaving");
    const out = () => save("signed out");
    addEventListener("pagehide", leave);
    addEventListener(SIGNED_OUT, out, true); // before the session is forgotten
    return () => {
      here = false;
      removeEventListener("pagehide", leave);
      removeEventListener(SIGNED_OUT, out, true);
      clearTimeout(state.current.timer);
      save("paused");
    };
  }, [place, key, save, change]);

  return { draft, change, take };
}

let pasted = 0;
export function asPasted(text: string): Pasted {
  pasted += 1;
  return { id: pasted, text, lines: text.split("\n").length };
}

const joined = (one: Draft, other: Draft): Draft => ({
  text: [one.text, other.text].filter(Boolean).join("\n"),
  pasted: [...one.pasted, ...other.pasted],
});

const lengthOf = ({ text, pasted }: Draft) => pasted.reduce((sum, block) => sum + block.text.length, text.length);

/** Begins a draft that has blocks; no keyboard writes it. */
const MARK = "\u001e";

/** A draft as one text: without blocks just what was typed. */
const written = ({ text, pasted }: Draft): string =>
  pasted.length ? MARK + JSON.stringify([text, ...pasted.map((block) => block.text)]) : text;

function read(content: string): Draft {
  if (!content.startsWith(MARK)) return { text: content, pasted: [] };
  try {
    const [text = "", ...blocks] = (JSON.parse(content.slice(MARK.length)) as unknown[]).map(String);
    return { text, pasted: blocks.map(asPasted) };
  } catch {
    return { text: content, pasted: [] };
  }
}

function keepCopy(key: string, content: string) {
  try {
    sessionStorage.setItem(key, content);
  } catch {
    sessionStorage.removeItem(key); // there is no room for it, and an older one would be wrong
  }
}
