import { LoginCancelled } from "../api/error";
import { onReconnect } from "./connection";

/** How long a poll waits after each answer, in milliseconds, while the page is visible and while it is not. */
export interface Pace {
  visible: number;
  hidden: number;
}

// After an error the pause doubles, up to this many times the pace.
const maxSlowdown = 8;

/**
 * poll calls work again and again until the returned function is called, one call at a time: at once when the page becomes visible or the
 * connection comes back, slower after errors. It is the one place where the client waits for news.
 */
export function poll(work: () => Promise<void>, pace: Pace): () => void {
  let stopped = false;
  let running = false;
  let slowdown = 1;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const schedule = () => {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(run, (document.visibilityState === "visible" ? pace.visible : pace.hidden) * slowdown);
  };
  const run = () => {
    if (running || stopped) return;
    running = true;
    work()
      .then(
        () => (slowdown = 1),
        (error: unknown) => {
          // Without a session there is no news until somebody has logged in again.
          slowdown = error instanceof LoginCancelled ? maxSlowdown : Math.min(slowdown * 2, maxSlowdown);
        },
      )
      .then(() => {
        running = false;
        schedule();
      });
  };
  const soon = () => {
    if (stopped || document.visibilityState !== "visible") return;
    clearTimeout(timer);
    run();
  };
  document.addEventListener("visibilitychange", soon);
  const stopReconnect = onReconnect(soon);
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", soon);
    stopReconnect();
  };
}
