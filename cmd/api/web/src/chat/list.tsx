import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { api } from "../api/client";
import type { Conversation } from "../api/types";
import { conversations, moreConversations, refreshConversations } from "../lib/conversations";
import { useUser } from "../lib/entities";
import { useLoad, useVisible } from "../lib/hooks";
import { ago, dateTime, t, tn } from "../lib/i18n";
import { keepUp } from "../lib/keepup";
import { viewerId } from "../lib/session";
import { useStore } from "../lib/store";
import { Avatar, displayName } from "../ui/avatar";
import { ChatIcon } from "../ui/icons";
import { Empty, Failed, Skeleton } from "../ui/states";

// Where the list was scrolled to: opening a conversation makes the page anew.
let scrolledTo = 0;

/** ConversationList shows the viewer's conversations and keeps them up to date; open is the user whose conversation is shown beside it. */
export function ConversationList({ open }: { open: number }) {
  const { items, isLoaded, error, cursor } = useStore(conversations);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    void refreshConversations().catch(() => undefined);
    return keepUp(refreshConversations, { about: ({ kind }) => kind === "message" || kind === "read" });
  }, []);
  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = scrolledTo;
  }, []);
  const end = useVisible<HTMLDivElement>(() => void moreConversations());
  if (!isLoaded) {
    return error ? <Failed error={error} retry={() => void refreshConversations().catch(() => undefined)} /> : <ListSkeleton />;
  }
  if (items.length === 0) return <NoConversations />;
  return (
    <div ref={box} class="chat-list" onScroll={(event) => (scrolledTo = event.currentTarget.scrollTop)}>
      <ul>
        {items.map((item) => (
          <Row key={item.user.id} item={item} isOpen={item.user.id === open} />
        ))}
      </ul>
      {cursor !== "" && <div ref={end} class="list-end" />}
    </div>
  );
}

function Row({ item, isOpen }: { item: Conversation; isOpen: boolean }) {
  const user = useUser(item.user.id) ?? item.user;
  const last = item.last_message;
  const isOwn = last.from_user_id === viewerId();
  const isUnread = item.unread_count > 0 && !isOpen;
  return (
    <li>
      <a href={`/chat/${user.id}`} class={`chat-row${isUnread ? " chat-row-unread" : ""}`} aria-current={isOpen ? "page" : undefined}>
        <Avatar user={user} size={48} />
        <span class="chat-row-text">
          <span class="chat-row-name">{displayName(user)}</span>
          <span class="chat-row-last">{isOwn ? t("chat.own", { text: last.content }) : last.content}</span>
        </span>
        <span class="chat-row-side">
          <time dateTime={last.created_at} title={dateTime(last.created_at)}>
            {ago(last.created_at)}
          </time>
          {isUnread && (
            <span class="chat-unread">
              <span aria-hidden="true">{item.unread_count > 99 ? "99+" : item.unread_count}</span>
              <span class="visually-hidden">{tn("chat.unread", item.unread_count)}</span>
            </span>
          )}
        </span>
      </a>
    </li>
  );
}

function ListSkeleton() {
  return (
    <div class="chat-list" role="status">
      <span class="visually-hidden">{t("state.loading")}</span>
      {[0, 1, 2, 3, 4, 5].map((n) => (
        <div key={n} class="chat-row">
          <Skeleton class="chat-skeleton-avatar" />
          <span class="chat-row-text">
            <Skeleton class="chat-skeleton-name" />
            <Skeleton class="chat-skeleton-last" />
          </span>
        </div>
      ))}
    </div>
  );
}

// Nobody has written yet: people to begin with are those who follow each other.
function NoConversations() {
  const friends = useLoad("friends", () => api.friends(undefined, 20), []);
  const people = friends.value?.items ?? [];
  return (
    <div class="chat-list">
      <Empty icon={<ChatIcon size={40} />} title={t("chat.empty")} text={t(people.length > 0 ? "chat.empty.friends" : "chat.empty.text")} />
      <ul>
        {people.map((user) => (
          <li key={user.id}>
            <a href={`/chat/${user.id}`} class="chat-row">
              <Avatar user={user} size={48} />
              <span class="chat-row-text">
                <span class="chat-row-name">{displayName(user)}</span>
                <span class="chat-row-last">@{user.name}</span>
              </span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
