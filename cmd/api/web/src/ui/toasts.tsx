import { dismiss, toasts } from "../lib/toasts";
import { useStore } from "../lib/store";

/** Toasts shows short messages; they are read out. */
export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {useStore(toasts).map((toast) => (
        <div key={toast.id} class={`toast toast-${toast.kind}`} onClick={() => dismiss(toast.id)}>
          {toast.text}
        </div>
      ))}
    </div>
  );
}
