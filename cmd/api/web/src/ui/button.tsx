import type { ButtonHTMLAttributes, ComponentChildren } from "preact";

interface ButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "icon" | "loading"> {
  /** primary: the one thing to do here. plain: without a box. */
  look?: "primary" | "secondary" | "plain" | "danger";
  size?: "small" | "medium";
  /** busy: it is under way; the button keeps its size and cannot be pressed again. */
  busy?: boolean;
  wide?: boolean;
  children: ComponentChildren;
}

export function Button({ look = "secondary", size = "medium", busy = false, wide = false, children, class: extra, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      class={`button button-${look} button-${size}${wide ? " button-wide" : ""}${extra ? ` ${String(extra)}` : ""}`}
      disabled={busy || rest.disabled === true}
      aria-busy={busy || undefined}
    >
      <span class="button-content">{children}</span>
      {busy && <span class="spinner spinner-small" />}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "icon" | "label" | "loading"> {
  label: string;
  children: ComponentChildren;
}

/** IconButton is a button that shows an icon only; label is what it does. */
export function IconButton({ label, children, class: extra, ...rest }: IconButtonProps) {
  return (
    <button type="button" {...rest} class={`icon-button${extra ? ` ${String(extra)}` : ""}`} aria-label={label} title={label}>
      {children}
    </button>
  );
}
