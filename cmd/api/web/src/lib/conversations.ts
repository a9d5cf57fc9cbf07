import { api } from "../api/client";
import type { Conversation, Message, Page } from "../api/types";
import { putUser } from "./entities";
import { setUnread } from "./session";
import { createStore } from "./store";

/** Conversations is the list of the viewer's conversations, as far as it is loaded, that with the newest message first. */
export interface Conversations {
  /** Whose they are. */
  owner: number;
  items: Conversation[];
  cursor: string;
  isLoaded: boolean;
  error: unknown;
}

const none = (owner: number): Conversations => ({ owner, items: [], cursor: "", isLoaded: false, error: null });

/** conversations stays when another conversation is opened. */
export const conversations = createStore<Conversations>(none(0));

/** ownConversations begins anew when another account uses the page. */
export function ownConversations(owner: number): void {
  // While the login sheet lies over the page nobody is logged in: it may be the same account again.
  if (owner !== 0 && conversations.get().owner !== owner) conversations.set(none(owner));
}

const newestFirst = (a: Conversation, b: Conversation): number => Date.parse(b.last_message.created_at) - Date.parse(a.last_message.created_at);

// show puts new items in the place of the old ones of the same users. Those that a first page would have, and has not, are gone.
function show({ items: fresh, next_cursor }: Page<Conversation>, cursor: string | null, isFirst: boolean): void {
  for (const item of fresh) putUser(item.user);
  const ids = new Set(fresh.map((item) => item.user.id));
  const oldest = next_cursor === "" ? -Infinity : Date.parse(fresh.at(-1)?.last_message.created_at ?? "");
  const isThere = (item: Conversation) => !ids.has(item.user.id) && !(isFirst && Date.parse(item.last_message.created_at) > oldest);
  conversations.update((now) => ({
    ...now,
    items: [...fresh, ...now.items.filter(isThere)].sort(newestFirst),
    cursor: cursor ?? now.cursor,
    isLoaded: true,
    error: null,
  }));
  const now = conversations.get();
  if (now.cursor === "") setUnread({ unread_conversations: now.items.filter((item) => item.unread_count > 0).length });
}

/** refreshConversations reads the newest ones. It rejects when that fails; the list tells it too while it has nothing else to show. */
export async function refreshConversations(): Promise<void> {
  const { owner } = conversations.get();
  try {
    const page = await api.conversations();
    const now = conversations.get();
    if (now.owner === owner) show(page, now.isLoaded ? null : page.next_cursor, true);
  } catch (error) {
    conversations.update((now) => (now.owner === owner ? { ...now, error } : now));
    throw error;
  }
}

let isLoadingMore = false;

/** moreConversations reads the next page of older ones. */
export async function moreConversations(): Promise<void> {
  const { owner, cursor } = conversations.get();
  if (isLoadingMore || cursor === "") return;
  isLoadingMore = true;
  try {
    const page = await api.conversations(cursor);
    if (conversations.get().owner === owner) show(page, page.next_cursor, false);
  } catch {
    // Scrolling on tries again.
  } finally {
    isLoadingMore = false;
  }
}

/** setLastMessage shows a message that was sent or received a moment ago. */
export function setLastMessage(user_id: number, last_message: Message): void {
  conversations.update((now) => ({
    ...now,
    items: now.items.map((item) => (item.user.id === user_id ? { ...item, last_message } : item)).sort(newestFirst),
  }));
}

/** setRead shows that all messages of a user are read. */
export function setRead(user_id: number): void {
  const now = conversations.get();
  if (!now.items.some((item) => item.user.id === user_id && item.unread_count > 0)) return;
  conversations.set({ ...now, items: now.items.map((item) => (item.user.id === user_id ? { ...item, unread_count: 0 } : item)) });
  if (now.cursor === "") setUnread({ unread_conversations: conversations.get().items.filter((item) => item.unread_count > 0).length });
}

/** dropConversation takes a conversation away; it comes back with its next message. */
export function dropConversation(user_id: number): void {
  setRead(user_id);
  conversations.update((now) => ({ ...now, items: now.items.filter((item) => item.user.id !== user_id) }));
}
