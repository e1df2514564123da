// Button: `primary` is the yellow one, at most one on a screen; IconButton has only a picture, and a name for all others.
import type { ComponentProps, Ref } from "react";
import styles from "./button.module.css";
import { Icon, type IconName } from "./icon";

type ButtonProps = ComponentProps<"button"> & {
  kind?: "primary" | "plain" | "quiet" | "danger";
  icon?: IconName;
  busy?: boolean;
};

export function Button({ kind = "plain", icon, busy, className = "", children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`${styles.button} ${styles[kind]} ${className}`}
      aria-busy={busy || undefined}
      disabled={rest.disabled || busy}
    >
      {icon && <Icon name={icon} size={18} />}
      <span>{children}</span>
    </button>
  );
}

type IconButtonProps = Omit<ComponentProps<"button">, "children"> & {
  icon: IconName;
  label: string;
  small?: boolean;
  ref?: Ref<HTMLButtonElement>;
};

export function IconButton({ icon, label, small, className = "", ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      {...rest}
      aria-label={label}
      className={`${styles.icon} ${small ? styles.small : ""} ${className}`}
    >
      <Icon name={icon} size={small ? 17 : 20} />
    </button>
  );
}
