import { api } from "../api/client";
import { language } from "./i18n";
import { go } from "./router";
import { savePush, savedPush } from "./saved";

/** canPush tells whether this browser has Web Push. Without https, other than on this machine, no browser has. */
export const canPush = (): boolean => "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;

/** PushRefused: the viewer, or the browser, does not allow notifications. */
export class PushRefused extends Error {}

// The service worker speaks the language of its address.
const register = (): Promise<ServiceWorkerRegistration> =>
  navigator.serviceWorker.register(`/sw.js?lang=${language.get()}`, { scope: "/" });

/** startPush subscribes this browser to what the viewer shall hear of while no page is open. */
export async function startPush(key: string): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") throw new PushRefused();
  await register();
  const { pushManager } = await navigator.serviceWorker.ready;
  let subscription: PushSubscription;
  try {
    subscription = await subscribe(pushManager, key);
  } catch (error) {
    // A subscription that another key of the server began is of no use.
    await (await pushManager.getSubscription())?.unsubscribe();
    try {
      subscription = await subscribe(pushManager, key);
    } catch {
      throw error instanceof DOMException && error.name !== "InvalidStateError" ? new PushRefused() : error;
    }
  }
  try {
    await store(subscription);
  } catch (error) {
    await subscription.unsubscribe();
    throw error;
  }
  follow();
}

const subscribe = (manager: PushManager, key: string): Promise<PushSubscription> =>
  manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });

async function store(subscription: PushSubscription): Promise<void> {
  const { endpoint = "", keys = {} } = subscription.toJSON();
  savePush(await api.subscribe({ endpoint, p256dh: keys["p256dh"] ?? "", auth: keys["auth"] ?? "" }));
}

/** stopPush unsubscribes this browser. */
export async function stopPush(): Promise<void> {
  const id = savedPush();
  if (id) await api.unsubscribe(id);
  await forgetPush();
}

/** forgetPush ends the subscription in this browser alone: the server learns that when it uses it. */
export async function forgetPush(): Promise<void> {
  savePush(0);
  const registration = await navigator.serviceWorker.getRegistration("/");
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  await registration?.unregister();
}

/** keepPush sees to it that a subscription still holds when the client starts: browsers renew and drop them. */
export async function keepPush(): Promise<void> {
  if (!canPush() || Notification.permission !== "granted") return savePush(0);
  await register();
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.getSubscription();
  if (!subscription) return savePush(0);
  await store(subscription);
  follow();
}

let isFollowing = false;

// follow changes the worker's language with the page's, and opens what a notification is about in the page that is there.
function follow(): void {
  if (isFollowing) return;
  isFollowing = true;
  language.subscribe(() => {
    if (savedPush()) void register().catch(() => undefined);
  });
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<{ go?: unknown }>) => {
    if (typeof data.go === "string" && data.go.startsWith("/")) go(data.go);
  });
}
