import { createPortal, type ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "../lib/i18n";
import { useLatest } from "../lib/hooks";
import { Button, IconButton } from "./button";
import { CloseIcon } from "./icons";

interface DialogProps {
  title: string;
  onClose: () => void;
  /** sheet: comes from below on the phone and is tall, for lists. card: as tall as its content. */
  look?: "sheet" | "card";
  /** The title is read out and not shown. */
  bare?: boolean;
  children: ComponentChildren;
}

const focusable = 'a[href],button:not([disabled]),input:not([disabled]),textarea:not([disabled]),select,[tabindex]:not([tabindex="-1"])';

// The dialogs that are open, the top one last: only that one reacts to keys.
const open: symbol[] = [];

/** anyDialog tells whether a dialog is open: keys of the page below do nothing then. */
export const anyDialog = (): boolean => open.length > 0;

/** Dialog lies over the page: focus stays in it, Escape and a click beside it close it, focus goes back to where it was. */
export function Dialog({ title, onClose, look = "card", bare = false, children }: DialogProps) {
  const titleId = useId();
  const box = useRef<HTMLDivElement>(null);
  const close = useLatest(onClose);

  useEffect(() => {
    const self = Symbol();
    const before = document.activeElement;
    open.push(self);
    document.documentElement.classList.add("has-dialog");
    const element = box.current;
    if (element && !element.contains(document.activeElement)) {
      (element.querySelector<HTMLElement>("[autofocus]") ?? element).focus({ preventScroll: true });
    }
    const onKey = (event: KeyboardEvent) => {
      if (open.at(-1) !== self || !element) return;
      if (event.key === "Escape") {
        event.preventDefault();
        close.current();
      } else if (event.key === "Tab") {
        const stops = [...element.querySelectorAll<HTMLElement>(focusable)].filter((stop) => stop.offsetParent !== null);
        const first = stops[0];
        const last = stops.at(-1);
        if (!first || !last) {
          event.preventDefault();
        } else if (event.shiftKey && (document.activeElement === first || document.activeElement === element)) {
          event.preventDefault();
          last.focus();
        } else if (!event.shiftKey && document.activeElement === last) {
          event.preventDefault();
          first.focus();
        }
      }
    };
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("keydown", onKey);
      open.splice(open.indexOf(self), 1);
      if (open.length === 0) document.documentElement.classList.remove("has-dialog");
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);

  return createPortal(
    <div class={`dialog-layer dialog-${look}`}>
      <div class="dialog-shade" onClick={onClose} />
      <div ref={box} class="dialog" role="dialog" aria-modal="true" aria-labelledby={titleId} tabIndex={-1}>
        <div class={bare ? "visually-hidden" : "dialog-head"}>
          <h2 id={titleId} class="dialog-title">
            {title}
          </h2>
          {!bare && (
            <IconButton label={t("action.close")} onClick={onClose}>
              <CloseIcon />
            </IconButton>
          )}
        </div>
        <div class="dialog-body">{children}</div>
      </div>
    </div>,
    document.body,
  );
}

interface ConfirmProps {
  title: string;
  text?: string;
  action: string;
  /** Runs on yes; the dialog shows that it is under way, and stays open when it rejects. */
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

/** Confirm asks before something that cannot be undone. */
export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const confirm = () => {
    setBusy(true);
    onConfirm().then(onClose, () => setBusy(false));
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {text && <p class="muted">{text}</p>}
      <div class="dialog-actions">
        <Button onClick={onClose} autofocus>
          {t("action.cancel")}
        </Button>
        <Button look="danger" busy={busy} onClick={confirm}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
