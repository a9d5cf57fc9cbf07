import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import { ApiError, LoginCancelled, errorText } from "../api/error";
import type { Message } from "../api/types";
import { onReconnect } from "../lib/connection";
import { refreshConversations, setLastMessage, setRead } from "../lib/conversations";
import { keepUp } from "../lib/keepup";
import { viewerId } from "../lib/session";
import { toast } from "../lib/toasts";

/** Entry is a message that is shown. key stays the same while it is sent and when it has its id. */
export interface Entry extends Message {
  key: string;
  state: "sent" | "sending" | "failed";
}

/** Dialogue is what two people wrote each other, as far as it is loaded, oldest first. */
export interface Dialogue {
  entries: Entry[];
  error: unknown;
  isLoaded: boolean;
  /** isBegin: there is nothing older. */
  isBegin: boolean;
  isLoadingOlder: boolean;
  /** older reads what was written before. */
  older: () => void;
  reload: () => void;
  send: (content: string) => void;
  /** again sends an entry that failed; drop takes it away. */
  again: (entry: Entry) => void;
  drop: (entry: Entry) => void;
  /** remove deletes an entry for the viewer alone. It rejects when that fails. */
  remove: (entry: Entry) => Promise<void>;
}

// How often new messages are asked for, with and without hints.
const pace = (isLive: boolean): number => (isLive ? 30_000 : 3000);

const entryOf = (message: Message): Entry => ({ ...message, key: `m${message.id}`, state: "sent" });

// What is not sent yet stands below everything else, in the order in which it was written.
function inOrder(a: Entry, b: Entry): number {
  if (a.id === 0 || b.id === 0) return a.id === b.id ? 0 : a.id === 0 ? 1 : -1;
  return Date.parse(a.created_at) - Date.parse(b.created_at) || a.id - b.id;
}

// merge adds messages that are not there yet.
function merge(entries: Entry[], messages: Message[]): Entry[] {
  const known = new Set(entries.map((entry) => entry.id));
  const fresh = messages.filter((message) => !known.has(message.id));
  return fresh.length === 0 ? entries : [...entries, ...fresh.map(entryOf)].sort(inOrder);
}

let lastKey = 0;

/** useDialogue loads the messages with a user, follows new ones, and marks them as read while the page is looked at. */
export function useDialogue(peer: number): Dialogue {
  const [entries, setEntries] = useState<Entry[]>([]);
  const [isLoaded, setLoaded] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [isLoadingOlder, setLoadingOlder] = useState(false);
  const [olderCursor, setOlderCursor] = useState("");
  const [round, setRound] = useState(0);
  const newer = useRef("");
  const readUntil = useRef("");

  useEffect(() => {
    let isCurrent = true;
    setError(null);
    api.messages(peer).then(
      (page) => {
        if (!isCurrent) return;
        newer.current = page.newer_cursor;
        setOlderCursor(page.next_cursor);
        setEntries((now) => merge(now, page.items));
        setLoaded(true);
      },
      (failed: unknown) => isCurrent && setError(failed),
    );
    return () => {
      isCurrent = false;
    };
  }, [peer, round]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  useEffect(() => (error ? onReconnect(reload) : undefined), [error, reload]);

  useEffect(() => {
    if (!isLoaded) return;
    const readNewer = async () => {
      // While there are more than a page of them, the next page is asked for at once.
      for (let isMore = true; isMore; ) {
        const page = await api.messages(peer, newer.current, "newer", 100);
        isMore = page.items.length === 100;
        newer.current = page.next_cursor;
        if (page.items.length > 0) setEntries((now) => merge(now, page.items));
      }
    };
    return keepUp(readNewer, { about: ({ kind, user_id }) => kind === "message" && user_id === peer, pace, burstMs: 0 });
  }, [peer, isLoaded]);

  // Read is what was there while somebody looked at the page.
  const last = entries.findLast((entry) => entry.from_user_id === peer);
  useEffect(() => {
    const lastOfAll = entries.findLast((entry) => entry.state === "sent");
    if (lastOfAll) setLastMessage(peer, lastOfAll);
    if (!last) return;
    const mark = () => {
      if (document.visibilityState !== "visible" || readUntil.current === last.created_at) return;
      const before = readUntil.current;
      readUntil.current = last.created_at;
      api.markRead(peer, last.created_at).then(
        () => setRead(peer),
        () => {
          // The next message, or the next visit, marks it.
          if (readUntil.current === last.created_at) readUntil.current = before;
        },
      );
    };
    mark();
    document.addEventListener("visibilitychange", mark);
    return () => document.removeEventListener("visibilitychange", mark);
  }, [peer, last?.id, entries]);

  const older = () => {
    if (isLoadingOlder || olderCursor === "") return;
    setLoadingOlder(true);
    api
      .messages(peer, olderCursor)
      .then((page) => {
        setOlderCursor(page.next_cursor);
        setEntries((now) => merge(now, page.items));
      })
      .catch((failed: unknown) => toast(errorText(failed), "error"))
      .then(() => setLoadingOlder(false));
  };

  const transmit = async (entry: Entry) => {
    try {
      const message = await api.sendMessage(peer, entry.content);
      setEntries((now) => {
        // The poll may have brought it already.
        const others = now.filter((one) => one.key !== entry.key && one.id !== message.id);
        return [...others, { ...entryOf(message), key: entry.key }].sort(inOrder);
      });
    } catch (failed) {
      setEntries((now) => now.map((one) => (one.key === entry.key ? { ...one, state: "failed" } : one)));
      // Being offline is said by the line at the top of the page.
      if (!(failed instanceof LoginCancelled) && !(failed instanceof ApiError && failed.isOffline)) toast(errorText(failed), "error");
    }
  };

  const send = (content: string) => {
    const entry: Entry = {
      id: 0,
      from_user_id: viewerId(),
      to_user_id: peer,
      content,
      created_at: new Date().toISOString(),
      key: `n${++lastKey}`,
      state: "sending",
    };
    setEntries((now) => [...now, entry]);
    void transmit(entry);
  };
  const again = (entry: Entry) => {
    setEntries((now) => now.map((one) => (one.key === entry.key ? { ...one, state: "sending" } : one)));
    void transmit(entry);
  };
  const drop = (entry: Entry) => setEntries((now) => now.filter((one) => one.key !== entry.key));
  const remove = async (entry: Entry) => {
    await api.deleteMessage(peer, entry.id);
    drop(entry);
    // What the list shows of the conversation may be that message.
    void refreshConversations().catch(() => undefined);
  };

  return { entries, error, isLoaded, isBegin: isLoaded && olderCursor === "", isLoadingOlder, older, reload, send, again, drop, remove };
}
