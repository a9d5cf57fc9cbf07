import { Fragment } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import { ApiError, LoginCancelled, errorText } from "../api/error";
import type { User } from "../api/types";
import { conversations, dropConversation } from "../lib/conversations";
import { putUser, useUser } from "../lib/entities";
import { useDesktop, useLoad } from "../lib/hooks";
import { clock, dateTime, day, t } from "../lib/i18n";
import { go } from "../lib/router";
import { viewerId } from "../lib/session";
import { useStore } from "../lib/store";
import { toast } from "../lib/toasts";
import { Avatar, displayName, profilePath } from "../ui/avatar";
import { Button, IconButton } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { TextArea, length } from "../ui/form";
import { BackIcon, ChatIcon, DownIcon, SendIcon, TrashIcon, UserIcon } from "../ui/icons";
import { Empty, Failed, Skeleton, Spinner } from "../ui/states";
import { useDialogue, type Dialogue, type Entry } from "./messages";

const maxLength = 1000;

// What was typed and not sent, by user: it is there again when the conversation is opened again.
const drafts = new Map<number, string>();

/** Conversation shows the messages with a user, and the field to write one. */
export function Conversation({ peer }: { peer: number }) {
  const isDesktop = useDesktop();
  const dialogue = useDialogue(peer);
  const known = useUser(peer);
  const loaded = useLoad(
    `user ${peer}`,
    async () => {
      const user = await api.user(peer);
      putUser(user);
      return user;
    },
    [peer],
  );
  const user = known ?? loaded.value;
  if (!user && loaded.error) {
    const isMissing = loaded.error instanceof ApiError && loaded.error.isMissing;
    return isMissing ? (
      <Empty page icon={<UserIcon size={40} />} title={t("profile.missing")}>
        <a class="button button-secondary button-medium" href="/chat">
          {t("chat.back")}
        </a>
      </Empty>
    ) : (
      <Failed page error={loaded.error} retry={loaded.reload} />
    );
  }
  return (
    <section class="conversation" aria-label={user ? t("chat.with", { name: displayName(user) }) : t("nav.chat")}>
      <header class="conversation-head">
        {!isDesktop && (
          <a class="icon-button" href="/chat" aria-label={t("chat.back")} title={t("chat.back")}>
            <BackIcon />
          </a>
        )}
        {user ? (
          <a class="person conversation-person" href={profilePath(user)}>
            <Avatar user={user} size={40} />
            <h1 class="person-name conversation-name">{displayName(user)}</h1>
          </a>
        ) : (
          <Skeleton class="chat-skeleton-name" />
        )}
        {user && dialogue.entries.length > 0 && <DeleteAll user={user} />}
      </header>
      <Messages dialogue={dialogue} peer={peer} />
      <Composer peer={peer} onSend={dialogue.send} isOff={user?.is_deleted ?? false} />
    </section>
  );
}

// tellOf says what went wrong, unless it is that the viewer did not want to log in.
function tellOf(error: unknown): void {
  if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
}

// DeleteAll deletes the conversation for the viewer alone.
function DeleteAll({ user }: { user: User }) {
  const [asks, ask] = useState(false);
  const remove = async () => {
    try {
      await api.deleteConversation(user.id);
    } catch (error) {
      tellOf(error);
      throw error;
    }
    dropConversation(user.id);
    drafts.delete(user.id);
    toast(t("chat.deleted"), "success");
    go("/chat", true);
  };
  return (
    <>
      <IconButton label={t("chat.delete")} onClick={() => ask(true)} class="conversation-delete">
        <TrashIcon size={20} />
      </IconButton>
      {asks && (
        <Confirm
          title={t("chat.delete.ask")}
          text={t("chat.delete.text", { name: displayName(user) })}
          action={t("action.delete")}
          onConfirm={remove}
          onClose={() => ask(false)}
        />
      )}
    </>
  );
}

// How near to its end, in pixels, the list has to be to follow new messages.
const nearEnd = 80;

function Messages({ dialogue, peer }: { dialogue: Dialogue; peer: number }) {
  const { entries, isLoaded, isBegin, isLoadingOlder, error } = dialogue;
  const box = useRef<HTMLDivElement>(null);
  // What is to stay in its place when the messages change: the end, or what is looked at.
  const follows = useRef(true);
  const before = useRef({ height: 0, first: "" });
  const [isNewBelow, setNewBelow] = useState(false);
  const [asked, ask] = useState<Entry | null>(null);
  const firstUnread = useFirstUnread(dialogue, peer);
  const me = viewerId();
  const first = entries[0]?.key ?? "";
  const last = entries.at(-1);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (follows.current || last?.state === "sending") {
      element.scrollTop = element.scrollHeight;
      follows.current = true;
    } else if (before.current.first !== first) {
      // Older messages came in above.
      element.scrollTop += element.scrollHeight - before.current.height;
    } else if (last && last.from_user_id !== me) {
      setNewBelow(true);
    }
    before.current = { height: element.scrollHeight, first };
  }, [entries]);

  // A field that grows or a keyboard that opens makes the list shorter: its end stays in sight.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (follows.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [isLoaded]);

  if (!isLoaded) {
    return <div class="messages messages-middle">{error ? <Failed error={error} retry={dialogue.reload} /> : <Spinner />}</div>;
  }
  const onScroll = (event: { currentTarget: HTMLDivElement }) => {
    const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
    follows.current = scrollHeight - scrollTop - clientHeight < nearEnd;
    if (follows.current) setNewBelow(false);
    if (scrollTop < 400) dialogue.older();
  };
  const toEnd = () => {
    box.current?.scrollTo({ top: box.current.scrollHeight, behavior: "smooth" });
    setNewBelow(false);
  };
  return (
    <div class="messages-frame">
      <div ref={box} class="messages" onScroll={onScroll} tabIndex={0} role="log" aria-label={t("chat.messages")}>
        {isLoadingOlder && <Spinner />}
        {isBegin && entries.length === 0 && <Empty icon={<ChatIcon size={40} />} title={t("chat.begin")} text={t("chat.begin.text")} />}
        <div class="messages-space" />
        {entries.map((entry, i) => (
          <Fragment key={entry.key}>
            {!sameDay(entries[i - 1], entry) && <p class="message-day">{day(entry.created_at)}</p>}
            {entry.key === firstUnread && (
              <p class="message-unread">
                <span>{t("chat.unread.here")}</span>
              </p>
            )}
            <MessageView
              entry={entry}
              isOwn={entry.from_user_id === me}
              isLast={!together(entry, entries[i + 1])}
              dialogue={dialogue}
              onDelete={() => ask(entry)}
            />
          </Fragment>
        ))}
      </div>
      {isNewBelow && (
        <Button size="small" class="messages-new" onClick={toEnd}>
          <DownIcon size={16} />
          {t("chat.new")}
        </Button>
      )}
      {asked && (
        <Confirm
          title={t("chat.message.delete")}
          text={t("chat.message.delete.text")}
          action={t("action.delete")}
          onConfirm={() =>
            dialogue.remove(asked).catch((error: unknown) => {
              tellOf(error);
              throw error;
            })
          }
          onClose={() => ask(null)}
        />
      )}
    </div>
  );
}

// The first message that was unread when the conversation was opened, by its key: a line stands above it until it is left. How many were
// unread is known from the list.
function useFirstUnread({ entries, isLoaded }: Dialogue, peer: number): string {
  const known = useStore(conversations).items.find(({ user }) => user.id === peer);
  const count = useRef(0);
  const found = useRef<string | null>(null);
  if (found.current === null && known) {
    count.current = Math.max(count.current, known.unread_count);
    const theirs = entries.filter((entry) => entry.from_user_id === peer);
    if (isLoaded) found.current = (count.current > 0 && theirs.at(-count.current)?.key) || "";
  }
  return found.current ?? "";
}

const sameDay = (a: Entry | undefined, b: Entry): boolean => a !== undefined && new Date(a.created_at).toDateString() === new Date(b.created_at).toDateString();

// together tells whether two messages belong to one group: of one person, within five minutes.
const together = (a: Entry, b: Entry | undefined): boolean =>
  b !== undefined && a.from_user_id === b.from_user_id && Date.parse(b.created_at) - Date.parse(a.created_at) < 300_000 && sameDay(a, b);

interface MessageProps {
  entry: Entry;
  isOwn: boolean;
  isLast: boolean;
  dialogue: Dialogue;
  onDelete: () => void;
}

function MessageView({ entry, isOwn, isLast, dialogue, onDelete }: MessageProps) {
  // What can be done with a message shows under the pointer; where there is none, after a tap.
  const [isChosen, choose] = useState(false);
  return (
    <div class={`message${isOwn ? " message-own" : ""}${isLast ? " message-last" : ""} message-${entry.state}`}>
      <div class={`message-line${isChosen ? " message-chosen" : ""}`}>
        <p class="message-text" onClick={() => choose(!isChosen)}>
          <span class="visually-hidden">{isOwn ? t("chat.you") : ""} </span>
          {entry.content}
        </p>
        {entry.state === "sent" && (
          <IconButton
            label={t("chat.message.delete.label", { text: entry.content.slice(0, 40) })}
            onClick={onDelete}
            class="message-delete"
          >
            <TrashIcon size={16} />
          </IconButton>
        )}
      </div>
      {entry.state === "failed" ? (
        <p class="message-note message-note-failed" role="alert">
          {t("chat.failed")}
          <button type="button" class="link" onClick={() => dialogue.again(entry)}>
            {t("action.retry")}
          </button>
          <button type="button" class="link" onClick={() => dialogue.drop(entry)}>
            {t("action.delete")}
          </button>
        </p>
      ) : (
        isLast && (
          <p class="message-note">
            {entry.state === "sending" ? (
              t("chat.sending")
            ) : (
              <time dateTime={entry.created_at} title={dateTime(entry.created_at)}>
                {clock(entry.created_at)}
              </time>
            )}
          </p>
        )
      )}
    </div>
  );
}

function Composer({ peer, onSend, isOff }: { peer: number; onSend: (content: string) => void; isOff: boolean }) {
  const [text, setText] = useState(() => drafts.get(peer) ?? "");
  const isDesktop = useDesktop();
  const change = (value: string) => {
    drafts.set(peer, value);
    setText(value);
  };
  const isReady = text.trim() !== "" && length(text) <= maxLength;
  const send = () => {
    if (!isReady) return;
    onSend(text.trim());
    change("");
  };
  if (isOff) return null;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <TextArea
        bare
        label={t("chat.placeholder")}
        placeholder={t("chat.placeholder")}
        value={text}
        onValue={change}
        max={maxLength}
        onEnter={send}
        autofocus={isDesktop}
        name="message"
      />
      <IconButton type="submit" label={t("chat.send")} disabled={!isReady} class="composer-send">
        <SendIcon />
      </IconButton>
    </form>
  );
}
