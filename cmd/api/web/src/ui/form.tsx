import type { InputHTMLAttributes, TextareaHTMLAttributes } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t, tn } from "../lib/i18n";
import { IconButton } from "./button";
import { EyeIcon } from "./icons";

/** length is the number of characters as people and the API count them. */
export const length = (text: string): number => [...text].length;

/** textError is what is wrong with a text of 1..max characters, or "". */
export function textError(text: string, max: number): string {
  if (text.trim() === "") return t("form.required");
  const over = length(text) - max;
  return over > 0 ? tn("form.long", over) : "";
}

interface FieldProps extends Pick<
  InputHTMLAttributes<HTMLInputElement>,
  "name" | "autocomplete" | "autocapitalize" | "spellcheck" | "autofocus" | "placeholder" | "maxLength" | "disabled"
> {
  type?: "text" | "password";
  label: string;
  value: string;
  onValue: (value: string) => void;
  /** Shown below; it marks the field as invalid. */
  error?: string;
  hint?: string;
}

/** Field is a line of text with its label, hint and error. */
export function Field({ label, value, onValue, error, hint, type = "text", ...rest }: FieldProps) {
  const id = useId();
  const [isShown, show] = useState(false);
  const isPassword = type === "password";
  // Preact types each kind of input by itself; the attributes that are used here are those of both.
  const inputType = (isPassword && !isShown ? "password" : "text") as "text";
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      <div class="field-box">
        <input
          {...rest}
          id={id}
          class="input"
          type={inputType}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
          aria-invalid={error ? true : undefined}
          aria-describedby={error || hint ? `${id}-note` : undefined}
        />
        {isPassword && (
          <IconButton
            label={t(isShown ? "login.password.hide" : "login.password.show")}
            onClick={() => show(!isShown)}
            aria-pressed={isShown}
          >
            <EyeIcon size={20} filled={isShown} />
          </IconButton>
        )}
      </div>
      {(error || hint) && (
        <p id={`${id}-note`} class={error ? "field-error" : "field-hint"} role={error ? "alert" : undefined}>
          {error || hint}
        </p>
      )}
    </div>
  );
}

interface TextAreaProps extends Pick<
  TextareaHTMLAttributes<HTMLTextAreaElement>,
  "name" | "placeholder" | "autofocus" | "disabled" | "rows"
> {
  label: string;
  value: string;
  onValue: (value: string) => void;
  max: number;
  /** The label is read out and not shown. */
  bare?: boolean;
  error?: string;
  /** Called on Enter without Shift. */
  onEnter?: () => void;
}

/** TextArea is text of several lines that grows with what is written, and counts when it gets near its limit. */
export function TextArea({ label, value, onValue, max, bare = false, error, onEnter, ...rest }: TextAreaProps) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const used = length(value);
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, 160)}px`;
  }, [value]);
  const note = error || (used > max * 0.8 ? `${used} / ${max}` : "");
  return (
    <div class="field">
      <label class={bare ? "visually-hidden" : "field-label"} for={id}>
        {label}
      </label>
      <textarea
        rows={1}
        {...rest}
        ref={area}
        id={id}
        class="input textarea"
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter that ends the choice of a Chinese character sends nothing.
          if (!onEnter || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          onEnter();
        }}
        aria-invalid={error || used > max ? true : undefined}
        aria-describedby={note ? `${id}-note` : undefined}
      />
      {note && (
        <p id={`${id}-note`} class={error || used > max ? "field-error" : "field-hint"}>
          {note}
        </p>
      )}
    </div>
  );
}
