import { api } from "../api/client";
import { ApiError, LoginCancelled } from "../api/error";
import { viewer, viewerId } from "./session";

// What the viewer has watched, on its way to the server. A session is told again whenever it has grown: the server keeps the longest, so
// that telling it twice, or after a failure, is telling it once.

interface Session {
  videoId: number;
  /** The account that watches: 0 until it is known. */
  owner: number;
  watchedMs: number;
  isFinished: boolean;
  /** The server knows of these. */
  sentMs: number;
  sentFinished: boolean;
}

const sendMs = 10_000;
/** Most of one request. */
const maxBatch = 50;
/** Most sessions that wait for the server: the oldest are given up. */
const maxSessions = 200;
/** Less than this was no watching. */
const leastMs = 300;
const maxWatchedMs = 86_400_000;
/** After a failure the pause doubles, up to this many times. */
const maxSlowdown = 8;

const sessions = new Map<string, Session>();
let timer: ReturnType<typeof setTimeout> | undefined;
let slowdown = 1;
let isListening = false;

// Browsers have randomUUID on https and localhost only.
const newSession = (): string =>
  "randomUUID" in crypto
    ? crypto.randomUUID()
    : [...(crypto as Crypto).getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** Watching is one time that a video is open. */
export interface Watching {
  /** add tells that ms more were watched. */
  add: (ms: number) => void;
  /** finish tells that the end was seen. */
  finish: () => void;
}

/** beginWatching begins a session. What visitors watch is not told to anybody. */
export function beginWatching(videoId: number): Watching {
  const name = newSession();
  const owner = viewerId();
  let watchedMs = 0;
  let isFinished = false;
  const note = () => {
    const now = viewer.get();
    // Another account has not watched this.
    if (now.kind === "visitor" || (owner !== 0 && viewerId() !== owner)) return;
    const before = sessions.get(name);
    sessions.set(name, { sentMs: 0, sentFinished: false, ...before, videoId, owner, watchedMs, isFinished });
    for (const oldest of sessions.keys()) {
      if (sessions.size <= maxSessions) break;
      sessions.delete(oldest);
    }
    schedule();
  };
  return {
    add: (ms) => {
      watchedMs = Math.min(watchedMs + ms, maxWatchedMs);
      note();
    },
    finish: () => {
      if (isFinished) return;
      isFinished = true;
      note();
    },
  };
}

function schedule(): void {
  if (!isListening) {
    isListening = true;
    // A page that is hidden may never be seen again.
    const now = () => document.visibilityState === "hidden" && void sendWatches();
    document.addEventListener("visibilitychange", now);
    addEventListener("pagehide", () => void sendWatches());
  }
  timer ??= setTimeout(() => {
    timer = undefined;
    void sendWatches();
  }, sendMs * slowdown);
}

// due are the sessions of the viewer of which the server does not know the latest.
function due(): [string, Session][] {
  const me = viewerId();
  const fresh = [...sessions].filter(
    ([, one]) => (one.owner === 0 || one.owner === me) && one.watchedMs >= leastMs && (one.watchedMs > one.sentMs || one.isFinished !== one.sentFinished),
  );
  return fresh.slice(0, maxBatch);
}

/** sendWatches tells the server now what it does not know yet; it does not reject. */
export async function sendWatches(): Promise<void> {
  const now = viewer.get();
  if (now.kind === "visitor") sessions.clear();
  const batch = now.kind === "member" ? due() : [];
  if (batch.length === 0) {
    // Who uses the page is not known yet.
    if (now.kind === "unknown" && sessions.size > 0) schedule();
    return;
  }
  try {
    await api.addWatches(
      batch.map(([session, { videoId, watchedMs, isFinished }]) => ({
        video_id: videoId,
        session,
        watched_ms: Math.round(watchedMs),
        is_finished: isFinished,
      })),
    );
    slowdown = 1;
    batch.forEach(([session, sent]) => settle(session, sent));
  } catch (error) {
    slowdown = Math.min(slowdown * 2, maxSlowdown);
    // What is refused as it is would be refused again; a session that has ended may begin again, and a busy server is asked later.
    const isHopeless = error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
    if (isHopeless && !(error instanceof LoginCancelled)) batch.forEach(([session, sent]) => settle(session, sent));
  }
  if (due().length > 0) schedule();
}

// settle notes what the server knows of a session. One that has not grown since is forgotten: it begins anew when it does.
function settle(session: string, sent: Session): void {
  const now = sessions.get(session);
  if (!now) return;
  if (now.watchedMs === sent.watchedMs && now.isFinished === sent.isFinished) sessions.delete(session);
  else sessions.set(session, { ...now, sentMs: sent.watchedMs, sentFinished: sent.isFinished });
}
