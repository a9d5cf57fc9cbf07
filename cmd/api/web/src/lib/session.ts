import { api } from "../api/client";
import { ApiError, LoginCancelled } from "../api/error";
import { onLoginNeeded } from "../api/fetch";
import type { Me, User } from "../api/types";
import { epoch, putUser, useUser } from "./entities";
import { hadSession, saveHadSession, savedPush, sessionKey } from "./saved";
import { createStore, useStore } from "./store";

/** Viewer is who uses the page. Unknown while it is asked for, or while the server cannot be reached. */
export type Viewer = { kind: "unknown" } | { kind: "visitor" } | { kind: "member"; me: Me };

export const viewer = createStore<Viewer>(hadSession() ? { kind: "unknown" } : { kind: "visitor" });

/** Why the login sheet is open, or null while it is shut. */
export const loginSheet = createStore<"needed" | "expired" | null>(null);

/** useViewer is who uses the page; useMe their account, or null for a visitor. */
export const useViewer = (): Viewer => useStore(viewer);
export function useMe(): User | null {
  const now = useStore(viewer);
  // Counters of likes and follows move with the viewer's actions.
  const latest = useUser(viewerIdOf(now));
  return now.kind === "member" ? (latest ?? now.me.user) : null;
}

/** viewerId is the account's id, 0 for a visitor. */
export const viewerId = (): number => viewerIdOf(viewer.get());
const viewerIdOf = (who: Viewer): number => (who.kind === "member" ? who.me.user.id : 0);

const retryMs = 5000;

/** followOtherTabs learns of a login or logout in another tab; returns how to stop. */
export function followOtherTabs(): () => void {
  const onStorage = (event: StorageEvent) => {
    if (event.key !== sessionKey) return;
    if (hadSession()) void loadViewer();
    else setVisitor();
  };
  addEventListener("storage", onStorage);
  return () => removeEventListener("storage", onStorage);
}

/** loadViewer asks who uses the page, when this browser has logged in before. */
export async function loadViewer(): Promise<void> {
  if (!hadSession()) return;
  try {
    setMember(await api.me());
  } catch (error) {
    // A server that cannot be reached says nothing about the session: ask again when it is back.
    if (error instanceof LoginCancelled || (error instanceof ApiError && error.status < 500 && !error.isOffline)) setVisitor();
    else setTimeout(() => void loadViewer(), retryMs);
  }
}

// When the page opens, the cookie tells the server who asks before the client knows: only later changes make what was loaded stale.
function changeViewer(next: Viewer): void {
  const before = viewer.get();
  const isOther = before.kind !== "unknown" && viewerIdOf(before) !== viewerIdOf(next);
  viewer.set(next);
  if (isOther) epoch.update((n) => n + 1);
}

function setMember(me: Me): void {
  saveHadSession(true);
  changeViewer({ kind: "member", me });
  putUser(me.user);
}

/** setVisitor forgets who was logged in. */
export function setVisitor(): void {
  saveHadSession(false);
  // This browser is told of nobody's notices any more.
  if (savedPush()) void import("./push").then(({ forgetPush }) => forgetPush()).catch(() => undefined);
  changeViewer({ kind: "visitor" });
}

/** setMyUser keeps the viewer's own account up to date, after an edit. */
export function setMyUser(user: User): void {
  putUser(user);
  viewer.update((now) => (now.kind === "member" ? { ...now, me: { ...now.me, user } } : now));
}

/** Unread are the numbers at the navigation: of conversations with unread messages, and of unread notices. */
export type Unread = Pick<Me, "unread_conversations" | "unread_notices">;

/** setUnread sets those of the numbers that are given. */
export function setUnread(fresh: Partial<Unread>): void {
  viewer.update((now) => {
    if (now.kind !== "member") return now;
    const me = { ...now.me, ...fresh };
    const isSame = me.unread_conversations === now.me.unread_conversations && me.unread_notices === now.me.unread_notices;
    return isSame ? now : { ...now, me };
  });
}

/** enter logs in or registers. */
export async function enter(kind: "login" | "register", name: string, password: string): Promise<User> {
  const { user, session } = await (kind === "login" ? api.login(name, password) : api.register(name, password));
  setMember({ user, session_id: session.id, unread_conversations: 0, unread_notices: 0 });
  // What is unread comes with the account; nobody waits for it.
  void api.me().then(setMember, () => undefined);
  return user;
}

/** leave logs out; also when the server has ended the session before. */
export async function leave(): Promise<void> {
  try {
    if (savedPush()) await import("./push").then(({ stopPush }) => stopPush()).catch(() => undefined);
    await api.logout();
  } catch (error) {
    if (!(error instanceof LoginCancelled)) throw error;
  }
  setVisitor();
}

// Those who wait for the login sheet.
let waiting: ((loggedIn: boolean) => void)[] = [];

/**
 * askLogin opens the login sheet over the page, which stays as it is; it resolves to whether the viewer has logged in. Whose session has
 * ended stays a member until they decline: pages for members keep what was typed.
 */
export function askLogin(reason: "needed" | "expired"): Promise<boolean> {
  loginSheet.set(loginSheet.get() ?? reason);
  return new Promise((resolve) => waiting.push(resolve));
}

/** closeLogin shuts the login sheet and tells those who wait. */
export function closeLogin(loggedIn: boolean): void {
  if (!loggedIn && loginSheet.get() === "expired") setVisitor();
  loginSheet.set(null);
  const told = waiting;
  waiting = [];
  for (const tell of told) tell(loggedIn);
}

/** requireLogin makes sure of a session before an action; it resolves to false when the viewer does not want to log in. */
export async function requireLogin(): Promise<boolean> {
  return viewer.get().kind === "visitor" ? askLogin("needed") : true;
}

onLoginNeeded(() => askLogin("expired"));
