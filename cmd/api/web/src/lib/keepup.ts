import { LoginCancelled } from "../api/error";
import type { Hint } from "../api/types";
import { onReconnect } from "./connection";
import { live, onHint } from "./hints";

interface News {
  /** Whether there is something new to read after a hint. */
  about: (hint: Hint) => boolean;
  /** How long to wait after an answer, in milliseconds, while hints come in and while they do not. */
  pace?: (isLive: boolean) => number;
  /** The pause between two reads in milliseconds, at most, while hints keep coming. */
  burstMs?: number;
  /** Whether a hidden page reads after a hint, too; others read when they are looked at again. */
  whenHidden?: () => boolean;
}

// A hint may be lost: what it tells of is read this often all the same.
const anywayMs = 30_000;
const aloneMs = 8000;
const usualPace = (isLive: boolean): number => (isLive ? anywayMs : aloneMs);

// Hints that come closer together than this, in milliseconds, are followed by one read. While they keep coming the pause grows.
const gapMs = 300;
const usualBurstMs = 2000;
// Without a hint for this long, in milliseconds, the next one is followed at once.
const quietMs = 5000;
// After an error the pause doubles, up to this many times the pace.
const maxSlowdown = 8;

const isVisible = (): boolean => document.visibilityState === "visible";

/**
 * keepUp calls read whenever there may be something new, until the returned function is called, one call at a time: after a hint, when
 * the page becomes visible, when hints or the connection come back, and after a while without any of these. Hidden pages read nothing.
 */
export function keepUp(
  read: () => Promise<void>,
  { about, pace = usualPace, burstMs = usualBurstMs, whenHidden = () => false }: News,
): () => void {
  let stopped = false;
  let running = false;
  let isDue = false;
  let slowdown = 1;
  let readAt = 0;
  let gap = gapMs;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const wait = (ms: number) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(run, ms);
  };
  const schedule = () => {
    if (running) return;
    clearTimeout(timer);
    // At random, as all clients may have begun to wait at once.
    if (isVisible()) wait(pace(live.get()) * slowdown * (0.75 + Math.random() / 2));
  };
  const run = () => {
    if (running || stopped) return;
    clearTimeout(timer);
    running = true;
    isDue = false;
    readAt = Date.now();
    read()
      .then(
        () => (slowdown = 1),
        (error: unknown) => {
          // Without a session there is no news until somebody has logged in again.
          slowdown = error instanceof LoginCancelled ? maxSlowdown : Math.min(slowdown * 2, maxSlowdown);
        },
      )
      .then(() => {
        running = false;
        if (isDue) soon();
        else schedule();
      });
  };
  const soon = () => {
    isDue = true;
    if (stopped || running || !(isVisible() || whenHidden())) return;
    const passed = Date.now() - readAt;
    gap = passed > quietMs ? gapMs : Math.min(gap * 1.5, Math.max(burstMs, gapMs));
    wait(Math.max(0, gap - passed));
  };
  const onVisible = () => {
    if (isVisible()) run();
    else clearTimeout(timer);
  };
  const stops = [
    onHint((hint) => {
      if (about(hint)) soon();
    }),
    // Some may have been lost before they come in again.
    live.subscribe(() => (live.get() ? soon() : schedule())),
    onReconnect(soon),
  ];
  document.addEventListener("visibilitychange", onVisible);
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisible);
    for (const stop of stops) stop();
  };
}
