// The field: what is typed, long pastes as blocks, the model, how it answers, one answer or two, send or stop.
import {
  type ClipboardEvent,
  type KeyboardEvent,
  lazy,
  Suspense,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import type { Params } from "../../api/answers";
import { prefer } from "../../app/session";
import { useShortcuts } from "../../app/shortcuts";
import { IconButton } from "../../parts/button";
import { Icon } from "../../parts/icon";
import { Menu } from "../../parts/menu";
import { errorText } from "../../parts/states";
import styles from "./composer.module.css";
import { asPasted, type Pasted, useDraft } from "./draft";
import { isPlainEnter } from "./keys";
import { useSampling } from "./sampling";

const SamplingDialog = lazy(() => import("./sampling_dialog"));

export type Sent = { text: string; n: 1 | 2; model: string; params: Params; system: string };

type ComposerProps = {
  /** Where its draft is kept; null: nowhere. */
  place: string | null;
  /** May fail; then what was typed stays. */
  onSend: (sent: Sent) => Promise<void>;
  fresh?: boolean;
  writing?: boolean;
  onStop?: () => void;
  onEditLast?: () => void;
  /** Why nothing can be sent now. */
  blocked?: string | undefined;
  /** A text put into the field from outside. */
  given?: string | undefined;
  autoFocus?: boolean;
};

const PASTE_CHARACTERS = 8000;
const PASTE_LINES = 150;
const touch = matchMedia("(pointer: coarse)");

export function Composer(props: ComposerProps) {
  const { place, onSend, fresh, writing, onStop, onEditLast, blocked, given, autoFocus } = props;
  const { t } = useTranslation("chat");
  const sampling = useSampling();
  const field = useRef<HTMLTextAreaElement>(null);
  const { draft, change, take } = useDraft(place);
  const { text, pasted } = draft;
  const [two, setTwo] = useState(() => sessionStorage.getItem("two") === "yes");
  const [settings, setSettings] = useState(false);
  const { attempt, sending, error } = useAttempt();
  useShortcuts({ compose: () => field.current?.focus() });
  useEffect(() => {
    if (autoFocus && !touch.matches) field.current?.focus({ preventScroll: true });
  }, [autoFocus]);
  // Only when another text is given: what was typed into it since stays, wherever its draft is kept.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (given === undefined) return;
    change((now) => ({ ...now, text: given }));
    field.current?.focus();
  }, [given]);
  useGrowing(field, text);

  const ready = Boolean(text.trim() || pasted.length) && !writing && !blocked && !sending;
  const send = async () => {
    if (!ready) return;
    const { model, params, system } = sampling;
    const whole = [text.trim(), ...pasted.map((block) => block.text)].filter(Boolean).join("\n\n");
    const taken = take();
    taken(await attempt(() => onSend({ text: whole, n: two ? 2 : 1, model, params, system })));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (isPlainEnter(event) && !touch.matches) void send();
    else if (event.key === "ArrowUp" && !text && !event.nativeEvent.isComposing && onEditLast) onEditLast();
    else return;
    event.preventDefault();
  };
  const onPaste = (event: ClipboardEvent) => {
    const block = longPaste(event.clipboardData.getData("text/plain"));
    if (!block) return;
    event.preventDefault();
    change((now) => ({ ...now, pasted: [...now.pasted, block] }));
  };
  const toggleTwo = () => {
    sessionStorage.setItem("two", two ? "no" : "yes");
    setTwo(!two);
  };

  return (
    <>
      <form
        className={styles.composer}
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        {error !== undefined && (
          <p className={styles.error} role="alert">
            {errorText(error, t("common:offlineHint"))}
          </p>
        )}
        {blocked && <p className={styles.blocked}>{blocked}</p>}
        <div className={styles.sheet}>
          {pasted.length > 0 && (
            <Blocks blocks={pasted} onChange={(blocks) => change((now) => ({ ...now, pasted: blocks }))} />
          )}
          <textarea
            id="composer"
            ref={field}
            rows={1}
            value={text}
            placeholder={t("placeholder")}
            aria-label={t("placeholder")}
            enterKeyHint={touch.matches ? "enter" : "send"}
            onChange={(event) => {
              const typed = event.target.value;
              change((now) => ({ ...now, text: typed }));
            }}
            onKeyDown={onKeyDown}
            onPaste={onPaste}
          />
          <div className={styles.row}>
            <ModelMenu sampling={sampling} />
            <IconButton icon="sliders" label={t("sampling.title")} onClick={() => setSettings(true)} />
            <button type="button" className={styles.two} title={t("compare")} aria-pressed={two} onClick={toggleTwo}>
              <Icon name="compare" />
              <span>{t("compare")}</span>
            </button>
            <span className={styles.space} />
            <SendOrStop writing={writing ?? false} ready={ready} onStop={onStop} />
          </div>
        </div>
      </form>
      {settings && (
        <Suspense>
          <SamplingDialog sampling={sampling} fresh={fresh ?? false} onClose={() => setSettings(false)} />
        </Suspense>
      )}
    </>
  );
}

/** Sending: whether it is under way, and why the last try failed. */
function useAttempt() {
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<unknown>();
  const attempt = async (act: () => Promise<void>): Promise<boolean> => {
    setSending(true);
    setError(undefined);
    try {
      await act();
      return true;
    } catch (failure) {
      setError(failure);
      return false;
    } finally {
      setSending(false);
    }
  };
  return { attempt, sending, error };
}

/** A text too long for the field, which would be slow in it and hide what is typed. */
function longPaste(text: string): Pasted | null {
  if (text.length < PASTE_LINES) return null;
  const block = asPasted(text);
  return text.length < PASTE_CHARACTERS && block.lines < PASTE_LINES ? null : block;
}

function Blocks({ blocks, onChange }: { blocks: Pasted[]; onChange: (blocks: Pasted[]) => void }) {
  const { t } = useTranslation("chat");
  return (
    <ul className={styles.pasted}>
      {blocks.map((block) => (
        <li key={block.id}>
          <Icon name="file" size={18} />
          <span>{t("pasted", { count: block.lines })}</span>
          <IconButton
            small
            icon="close"
            label={t("removePasted")}
            onClick={() => onChange(blocks.filter((one) => one.id !== block.id))}
          />
        </li>
      ))}
    </ul>
  );
}

type SendProps = { writing: boolean; ready: boolean; onStop: (() => void) | undefined };

function SendOrStop({ writing, ready, onStop }: SendProps) {
  const { t } = useTranslation("chat");
  const name = t(writing ? "stop" : "send");
  return writing ? (
    <button key="stop" type="button" className={styles.send} aria-label={name} title={name} onClick={onStop}>
      <Icon name="stop" />
    </button>
  ) : (
    <button key="send" type="submit" className={styles.send} aria-label={name} title={name} disabled={!ready}>
      <Icon name="up" />
    </button>
  );
}

function ModelMenu({ sampling }: { sampling: ReturnType<typeof useSampling> }) {
  const { t } = useTranslation("chat");
  const { models, model } = sampling;
  const shown = model || models.find((one) => one.default)?.name || "";
  if (models.length < 2) return <span className={styles.model}>{shown}</span>;
  return (
    <Menu
      label={t("modelIs", { name: shown })}
      className={styles.picker}
      button={
        <>
          <span>{shown}</span>
          <Icon name="down" size={16} />
        </>
      }
      items={models.map((one) => ({
        label: one.name,
        chosen: one.name === shown,
        ...(one.context && { hint: t("context", { count: one.context }) }),
        onSelect: () => void prefer({ model: one.default ? null : one.name }).catch(() => {}),
      }))}
    />
  );
}

/** As high as its text, where CSS cannot do it yet. */
function useGrowing(field: { current: HTMLTextAreaElement | null }, text: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew with each text
  useLayoutEffect(() => {
    const area = field.current;
    if (!area || CSS.supports("field-sizing", "content")) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [text, field]);
}
