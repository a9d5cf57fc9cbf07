import { createStore } from "./store";

export interface Toast {
  id: number;
  text: string;
  kind: "info" | "success" | "error";
}

export const toasts = createStore<Toast[]>([]);

let last = 0;
const shownMs = 4000;

/** toast shows a short message for some seconds; the same text is not shown twice at once. */
export function toast(text: string, kind: Toast["kind"] = "info"): void {
  if (toasts.get().some((shown) => shown.text === text)) return;
  const id = ++last;
  toasts.update((shown) => [...shown, { id, text, kind }].slice(-3));
  setTimeout(() => dismiss(id), shownMs);
}

export const dismiss = (id: number): void => toasts.update((shown) => shown.filter((toast) => toast.id !== id));
