import type { Hint } from "../api/types";
import { onReconnect } from "./connection";
import { giveHint, leads, live } from "./hints";

const path = "/api/v1/events";
/** The lock that the leading tab holds, and the channel by which it tells the others. */
const name = "hints";

// The server writes something every 15 s: a stream that is silent for longer than this, in milliseconds, is lost.
const silenceMs = 40_000;
// What is waited before connecting again, unless the server says otherwise; doubled after each failure.
const retryMs = 5000;
const maxRetryMs = 30_000;
// A session that has ended is not there again soon.
const signedOutMs = 60_000;
// A stream that held for this long was no failure.
const goodMs = 10_000;

type Told = { ask: true } | { live: boolean } | { hint: Hint };

/**
 * followStream brings the hints of the server until the returned function is called. Of all tabs one holds the stream and tells the others,
 * as browsers allow six connections to a server only. Without locks each visible tab holds its own.
 */
export function followStream(): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  if (!("locks" in navigator) || !("BroadcastChannel" in globalThis)) {
    void alone(signal);
  } else {
    const channel = new BroadcastChannel(name);
    const tell = (told: Told) => channel.postMessage(told);
    channel.onmessage = ({ data }: MessageEvent<Told>) => {
      if ("ask" in data) {
        if (leads.get()) tell({ live: live.get() });
      } else if (leads.get()) return;
      else if ("live" in data) live.set(data.live);
      else giveHint(data.hint);
    };
    tell({ ask: true });
    const lead = async () => {
      leads.set(true);
      live.set(false);
      const stopTelling = live.subscribe(() => tell({ live: live.get() }));
      await hold(signal, (hint) => {
        giveHint(hint);
        tell({ hint });
      });
      stopTelling();
    };
    navigator.locks
      .request(name, { signal }, lead)
      .catch(() => undefined)
      .then(() => channel.close());
  }
  return () => {
    stop.abort();
    leads.set(false);
    live.set(false);
  };
}

// alone holds a stream while the page is visible.
async function alone(stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    if (document.visibilityState === "visible") {
      const hidden = new AbortController();
      void changed(stop).then(() => hidden.abort());
      await hold(hidden.signal, giveHint);
      if (!stop.aborted) live.set(false);
    } else await changed(stop);
  }
}

// changed waits until the page's visibility changes, or for stop.
const changed = (stop: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      document.removeEventListener("visibilitychange", done);
      stop.removeEventListener("abort", done);
      resolve();
    };
    document.addEventListener("visibilitychange", done);
    stop.addEventListener("abort", done);
  });

// hold keeps a stream open until stop, connecting again when it is lost.
async function hold(stop: AbortSignal, onHint: (hint: Hint) => void): Promise<void> {
  let failures = 0;
  let retry = retryMs;
  while (!stop.aborted) {
    const lost = new AbortController();
    const abort = () => lost.abort();
    stop.addEventListener("abort", abort);
    const began = Date.now();
    let least = 0;
    try {
      const response = await fetch(path, {
        headers: { accept: "text/event-stream" },
        cache: "no-store",
        signal: lost.signal,
      });
      if (response.ok && response.body) {
        live.set(true);
        const asked = await readEvents(response.body, lost, onHint);
        if (asked !== null) retry = asked;
      } else {
        least = response.status === 401 ? signedOutMs : 1000 * (Number(response.headers.get("retry-after")) || 0);
        abort();
      }
    } catch {
      // Lost, or not to be had: the same thing.
    }
    stop.removeEventListener("abort", abort);
    if (stop.aborted) return;
    live.set(false);
    failures = Date.now() - began > goodMs ? 0 : failures + 1;
    // At random: a server that restarts would meet all its clients at once.
    await pause(least + (0.5 + Math.random() / 2) * Math.min(retry * 2 ** Math.max(0, failures - 1), maxRetryMs), stop);
  }
}

// pause waits; a page that becomes visible, or a connection that comes back, ends it early.
const pause = (ms: number, stop: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
      stopReconnect();
      stop.removeEventListener("abort", done);
      resolve();
    }
    const onVisible = () => {
      if (document.visibilityState === "visible") done();
    };
    document.addEventListener("visibilitychange", onVisible);
    // The layout finds out that the server is back, in each client at another time.
    const stopReconnect = onReconnect(done);
    stop.addEventListener("abort", done);
  });

/**
 * readEvents reads a stream of server-sent events to its end and returns the pause that the server asks for before the next one, in
 * milliseconds, or null. EventSource would do, if it told of the server's beats, its refusals and that pause.
 */
async function readEvents(body: ReadableStream<Uint8Array>, lost: AbortController, onHint: (hint: Hint) => void): Promise<number | null> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let retry: number | null = null;
  let rest = "";
  let data = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(() => lost.abort(), silenceMs);
      const { done, value } = await reader.read();
      if (done) return retry;
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line === "") {
          if (data) onHint(JSON.parse(data) as Hint);
          data = "";
        } else if (line.startsWith("data:")) data += line.slice(5);
        else if (line.startsWith("retry:")) retry = Number(line.slice(6)) || null;
      }
    }
  } catch {
    return retry;
  } finally {
    clearTimeout(timer);
    lost.abort();
  }
}
