// The service worker: it shows what came while no page was looked at, in the language of its own address (?lang=zh). It caches nothing.
import type { Conversation, Notice, User } from "../api/types";
import { moreKey, namesOf, sentenceKey, several, target } from "../inbox/words";
import { en } from "../locales/en";
import { zh } from "../locales/zh";

// What is used of the types of service workers, which TypeScript has only without those of pages.
interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface PushEvent extends Extendable {
  readonly data: { json(): unknown } | null;
}
interface NotificationEvent extends Extendable {
  readonly notification: Notification;
}
interface WindowClient {
  readonly visibilityState: DocumentVisibilityState;
  focus(): Promise<WindowClient>;
  postMessage(message: unknown): void;
}
interface Worker {
  readonly location: Location;
  readonly registration: ServiceWorkerRegistration;
  readonly clients: {
    matchAll(options: { type: "window"; includeUncontrolled: boolean }): Promise<WindowClient[]>;
    openWindow(url: string): Promise<unknown>;
    claim(): Promise<void>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: Extendable) => void): void;
  addEventListener(type: "push", listener: (event: PushEvent) => void): void;
  addEventListener(type: "notificationclick", listener: (event: NotificationEvent) => void): void;
}
const worker = globalThis as unknown as Worker;

const isChinese = new URL(worker.location.href).searchParams.get("lang") === "zh";
const texts: Record<string, string> = isChinese ? zh : en;
const locale = isChinese ? "zh-CN" : "en";

function say(key: string, words: Record<string, string> = {}): string {
  return (texts[key] ?? "").replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole);
}
const sayNumber = (key: string, n: number): string =>
  say(`${key}.${new Intl.PluralRules(locale).select(n) === "one" ? "one" : "other"}`, { n: new Intl.NumberFormat(locale).format(n) });

const nameOf = (user: User): string => (user.is_deleted ? say("user.deleted") : user.display_name || user.name);

/** Shown is a notification: tag says which one it replaces. */
interface Shown {
  title: string;
  body: string;
  tag: string;
  path: string;
}

async function first<T>(path: string): Promise<T | undefined> {
  const response = await fetch(path, { credentials: "same-origin" });
  if (!response.ok) return undefined;
  const page = (await response.json()) as { items: T[] };
  return page.items[0];
}

async function newestMessage(): Promise<Shown | undefined> {
  const found = await first<Conversation>("/api/v1/conversations?limit=1");
  if (!found || found.unread_count === 0) return undefined;
  return { title: nameOf(found.user), body: found.last_message.content, tag: `chat-${found.user.id}`, path: `/chat/${found.user.id}` };
}

async function newestNotice(): Promise<Shown | undefined> {
  const notice = await first<Notice>("/api/v1/notices?limit=1");
  if (!notice || !notice.is_unread) return undefined;
  const body = notice.comment?.content ?? notice.video?.title ?? notice.reason;
  return { title: sentence(notice), body, tag: notice.id, path: target(notice, "/inbox") };
}

function sentence(notice: Notice): string {
  const names = namesOf(notice);
  const people = Object.fromEntries(Object.entries(names?.people ?? {}).map(([place, user]) => [place, nameOf(user)]));
  const who = names ? say(names.key, { ...people, n: sayNumber(moreKey, names.more) }) : "";
  const n = several(notice);
  const text = say(sentenceKey(notice), { names: who, title: notice.title }) || say("notice.unknown", { names: who });
  return n > 0 ? `${text} · ${sayNumber("video.comments", n)}` : text;
}

// The push says of what kind the news are; what they are is read, so that a late one tells of the present.
async function show(kind: unknown): Promise<void> {
  const windows = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  // Whoever looks at a page sees it there.
  if (windows.some(({ visibilityState }) => visibilityState === "visible")) return;
  const isMessage = kind === "message";
  const found = await (isMessage ? newestMessage() : newestNotice()).catch(() => undefined);
  const { title, body, tag, path }: Shown = found ?? {
    title: say("app.name"),
    body: say(isMessage ? "push.message" : "push.notice"),
    tag: isMessage ? "chat" : "notice",
    path: isMessage ? "/chat" : "/inbox",
  };
  await worker.registration.showNotification(title, { body, tag, icon: "/icon-192.png", lang: locale, data: { path } });
}

async function open(path: string): Promise<void> {
  const [page] = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (!page) {
    await worker.clients.openWindow(path);
    return;
  }
  page.postMessage({ go: path });
  await page.focus();
}

worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("push", (event) => {
  let kind: unknown;
  try {
    kind = (event.data?.json() as { kind?: unknown } | undefined)?.kind;
  } catch {
    // Not of this version: it is a notice.
  }
  event.waitUntil(show(kind));
});
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { path } = (event.notification.data ?? {}) as { path?: unknown };
  event.waitUntil(open(typeof path === "string" ? path : "/inbox"));
});
