// What is typed and not sent, kept by the service a moment after each pause, so that it is there tomorrow too.
import { useCallback, useEffect, useRef, useState } from "react";
import { fetchDraft, saveDraft } from "../../api/conversations";

const PAUSE = 700;
const LONGEST = 100_000;

/** `place`: a conversation's id, or `new`; null keeps nothing, as in a temporary chat. */
export function useDraft(place: string | null): [string, (text: string) => void] {
  const [text, setText] = useState("");
  const state = useRef({ text: "", saved: "", touched: false, timer: 0 });

  const save = useCallback(
    (leaving: boolean) => {
      const { text: now, saved } = state.current;
      if (place === null || now === saved || now.length > LONGEST) return;
      state.current.saved = now;
      saveDraft(place, now, leaving).catch(() => {
        state.current.saved = saved;
      });
    },
    [place],
  );

  useEffect(() => {
    if (place === null) return;
    let here = true;
    fetchDraft(place).then(
      ({ content }) => {
        if (!here || state.current.touched || !content) return;
        state.current.text = state.current.saved = content;
        setText(content);
      },
      () => {}, // a draft that cannot be fetched is no reason to disturb anybody
    );
    const leave = () => save(true);
    addEventListener("pagehide", leave);
    return () => {
      here = false;
      removeEventListener("pagehide", leave);
      clearTimeout(state.current.timer);
      save(false);
    };
  }, [place, save]);

  const change = useCallback(
    (to: string) => {
      setText(to);
      const now = state.current;
      now.text = to;
      now.touched = true;
      clearTimeout(now.timer);
      now.timer = window.setTimeout(() => save(false), PAUSE);
    },
    [save],
  );
  return [text, change];
}
