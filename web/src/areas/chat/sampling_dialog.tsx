// How it answers: the system prompt for new chats, and the numbers by which words are drawn.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Params } from "../../api/answers";
import { prefer } from "../../app/session";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { TextArea, TextField } from "../../parts/field";
import type { Sampling } from "./sampling";
import styles from "./sampling_dialog.module.css";

const FIELDS = {
  temperature: { min: 0, max: 2, step: 0.1 },
  top_p: { min: 0, max: 1, step: 0.05 },
  max_tokens: { min: 1, max: 1_000_000, step: 1 },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 },
} as const;

type Name = keyof typeof FIELDS;
const NAMES = Object.keys(FIELDS) as Name[];

export default function SamplingDialog(props: { sampling: Sampling; fresh: boolean; onClose: () => void }) {
  const { sampling, fresh, onClose } = props;
  const { t } = useTranslation("chat");
  const [system, setSystem] = useState(sampling.system);
  const [typed, setTyped] = useState<Record<Name, string>>(() => {
    const shown = (name: Name) => sampling.params[name]?.toString() ?? "";
    return {
      temperature: shown("temperature"),
      top_p: shown("top_p"),
      max_tokens: shown("max_tokens"),
      seed: shown("seed"),
    };
  });

  const save = () => {
    const params: Params = {};
    for (const name of NAMES) if (typed[name].trim()) params[name] = Number(typed[name]);
    void prefer({ params, system: system.trim() }).catch(() => {});
    onClose();
  };
  return (
    <Dialog
      title={t("sampling.title")}
      onClose={onClose}
      actions={
        <>
          <Button
            kind="quiet"
            onClick={() => {
              setSystem("");
              setTyped({ temperature: "", top_p: "", max_tokens: "", seed: "" });
            }}
          >
            {t("sampling.reset")}
          </Button>
          <Button kind="primary" type="submit" form="sampling">
            {t("common:save")}
          </Button>
        </>
      }
    >
      <form
        id="sampling"
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <TextArea
          label={t("sampling.system")}
          hint={t(fresh ? "sampling.systemHint" : "sampling.systemLater")}
          value={system}
          rows={4}
          onChange={(event) => setSystem(event.target.value)}
        />
        <div className={styles.numbers}>
          {NAMES.map((name) => (
            <TextField
              key={name}
              type="number"
              label={t(`sampling.${name}`)}
              hint={t(`sampling.${name}Hint`)}
              {...FIELDS[name]}
              value={typed[name]}
              placeholder={t("sampling.default")}
              onChange={(event) => setTyped({ ...typed, [name]: event.target.value })}
            />
          ))}
        </div>
      </form>
    </Dialog>
  );
}
