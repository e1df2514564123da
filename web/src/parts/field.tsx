// Field: a label, one control, and below it either a hint or what is wrong. Every form is made of these.
import { type ComponentProps, type ReactNode, useId } from "react";
import styles from "./field.module.css";

type Around = {
  label: string;
  /** For those who listen only: the choices speak for themselves. */
  labelUnseen?: boolean;
  hint?: ReactNode;
  error?: string | undefined;
};

function Shell({ id, label, labelUnseen, hint, error, children }: Around & { id: string; children: ReactNode }) {
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={labelUnseen ? "unseen" : ""}>
        {label}
      </label>
      {children}
      {(error || hint) && (
        <p id={`${id}-note`} className={error ? styles.error : styles.hint}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

function described(id: string, { hint, error }: Around) {
  return { id, "aria-describedby": hint || error ? `${id}-note` : undefined, "aria-invalid": error ? true : undefined };
}

export function TextField({ label, hint, error, ...rest }: Around & ComponentProps<"input">) {
  const id = useId();
  const around = { label, hint, error };
  return (
    <Shell id={id} {...around}>
      <input {...described(id, around)} {...rest} className={styles.input} />
    </Shell>
  );
}

export function TextArea({ label, hint, error, ...rest }: Around & ComponentProps<"textarea">) {
  const id = useId();
  const around = { label, hint, error };
  return (
    <Shell id={id} {...around}>
      <textarea {...described(id, around)} {...rest} className={styles.input} />
    </Shell>
  );
}

export function SelectField(props: Around & ComponentProps<"select">) {
  const { label, labelUnseen = false, hint, error, children, ...rest } = props;
  const id = useId();
  const around = { label, labelUnseen, hint, error };
  return (
    <Shell id={id} {...around}>
      <select {...described(id, around)} {...rest} className={styles.input}>
        {children}
      </select>
    </Shell>
  );
}

export function Check({ label, ...rest }: { label: ReactNode } & Omit<ComponentProps<"input">, "type">) {
  return (
    <label className={styles.check}>
      <input type="checkbox" {...rest} />
      <span>{label}</span>
    </label>
  );
}
