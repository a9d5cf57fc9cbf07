import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Sort } from "../api/client";
import { LoginCancelled, errorText } from "../api/error";
import type { Comment } from "../api/types";
import { useVideo } from "../lib/entities";
import { t, tn } from "../lib/i18n";
import { useKept } from "../lib/router";
import { requireLogin, useMe, viewer } from "../lib/session";
import { toast } from "../lib/toasts";
import { displayName } from "../ui/avatar";
import { Button, IconButton } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { TextArea, length } from "../ui/form";
import { CloseIcon, CommentIcon, DownIcon, SendIcon, UpIcon } from "../ui/icons";
import { Empty, Failed, ListEnd, Skeleton, Spinner } from "../ui/states";
import { Row, rowId } from "./row";
import { useSuggestions } from "./suggest";
import { useThreads, type Threads } from "./threads";

const maxLength = 500;

/** Pointed is a comment to show first: it, and the one that began its thread. */
export interface Pointed {
  comment: number;
  root: number;
}

interface CommentsProps {
  videoId: number;
  pointed?: Pointed | undefined;
}

/** Comments are the threads below a video, with the line to write. It needs a key: the video's id. */
export function Comments({ videoId, pointed }: CommentsProps) {
  const me = useMe();
  const video = useVideo(videoId);
  const [sort, setSort] = useKept<Sort>("sort", "newest");
  const threads = useThreads(videoId, sort);
  const { roots } = threads;
  // What was typed stays when the sheet is closed.
  const [draft, setDraft] = useKept(`draft ${videoId}`, "");
  const [answered, answer] = useState<Comment | null>(null);
  const [asked, ask] = useState<Comment | null>(null);
  const [isSending, setSending] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const text = draft.trim();
  const isSendable = text !== "" && length(text) <= maxLength && !isSending;
  usePointed(pointed, threads);
  const suggestions = useSuggestions(
    () => form.current?.querySelector("textarea"),
    [...(video ? [video.author] : []), ...roots.items.map(({ author }) => author)],
    setDraft,
  );

  const isFirst = useRef(true);
  useLayoutEffect(() => {
    if (!isFirst.current) roots.refresh();
    isFirst.current = false;
  }, [sort]);

  const reply = (comment: Comment) => {
    answer(comment);
    form.current?.querySelector("textarea")?.focus();
  };
  const post = async () => {
    if (!isSendable) return;
    setSending(true);
    try {
      if (!(await requireLogin())) return;
      const now = viewer.get();
      if (now.kind !== "member") return;
      const to = answered;
      setDraft("");
      answer(null);
      try {
        await threads.post(text, now.me.user, to);
      } catch (error) {
        // Back to where it was typed, before what was typed since.
        setDraft((since) => (since ? `${text} ${since}` : text));
        answer((since) => since ?? to);
        if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
      }
    } finally {
      setSending(false);
    }
  };

  const actions = {
    viewer: me?.id ?? 0,
    videoAuthor: video?.author.id ?? 0,
    onReply: reply,
    onDelete: ask,
    onLike: threads.like,
    onPin: threads.pin,
  };
  const isEmpty = roots.items.length === 0 && roots.isEnd;
  return (
    <div class="comments">
      <div class="comments-sort" role="group" aria-label={t("comments.sort")}>
        {(["newest", "top"] as const).map((one) => (
          <button key={one} type="button" aria-pressed={sort === one} onClick={() => setSort(one)}>
            {t(`comments.sort.${one}`)}
          </button>
        ))}
      </div>
      <div class="comments-list" tabIndex={0} role="region" aria-label={t("comments.title")}>
        {isEmpty && <Empty icon={<CommentIcon size={40} />} title={t("comments.empty")} text={t("comments.empty.text")} />}
        <ul>
          {roots.items.map((root) => (
            <li key={root.id}>
              <Row comment={root} isNew={pointed?.comment === root.id} {...actions} />
              {root.id > 0 && <Answers root={root} threads={threads} pointed={pointed} actions={actions} />}
            </li>
          ))}
        </ul>
        <ListEnd list={roots} skeleton={<CommentSkeletons />} />
      </div>
      <form
        ref={form}
        class="comments-form"
        onSubmit={(event) => {
          event.preventDefault();
          void post();
        }}
        onInput={suggestions.onChange}
        onKeyUp={(event) => /^(ArrowLeft|ArrowRight|Home|End)$/.test(event.key) && suggestions.onChange()}
        onClick={suggestions.onChange}
        onKeyDownCapture={suggestions.onKey}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !answered) return;
          event.stopPropagation();
          answer(null);
        }}
      >
        {suggestions.list}
        {answered && (
          <p class="comments-answered">
            <span>{t("comments.reply.to", { name: displayName(answered.author) })}</span>
            <IconButton label={t("comments.reply.cancel")} onClick={() => answer(null)}>
              <CloseIcon size={16} />
            </IconButton>
          </p>
        )}
        <TextArea
          bare
          label={t("comments.placeholder")}
          placeholder={answered ? t("comments.reply.placeholder") : t("comments.placeholder")}
          value={draft}
          onValue={setDraft}
          max={maxLength}
          onEnter={() => void post()}
        />
        <IconButton label={t("comments.post")} type="submit" disabled={!isSendable} class="send">
          <SendIcon size={22} />
        </IconButton>
      </form>
      {asked && (
        <Confirm
          title={t("comments.delete")}
          text={asked.reply_count > 0 ? tn("comments.delete.answers", asked.reply_count) : asked.content}
          action={t("action.delete")}
          onConfirm={() => {
            threads.remove(asked);
            return Promise.resolve();
          }}
          onClose={() => ask(null)}
        />
      )}
    </div>
  );
}

interface AnswersProps {
  root: Comment;
  threads: Threads;
  pointed: Pointed | undefined;
  actions: Omit<Parameters<typeof Row>[0], "comment">;
}

// Answers are those to one comment: a line that opens them, and they.
function Answers({ root, threads, pointed, actions }: AnswersProps) {
  const { items, isOpen, isLoading, isEnd, error } = threads.thread(root.id);
  if (root.reply_count === 0 && items.length === 0) return null;
  const left = root.reply_count - items.length;
  const hasMore = !isEnd && !isLoading && items.length > 0 && left > 0;
  return (
    <div class="answers">
      {isOpen && (
        <ul aria-label={t("comments.replies.of", { name: displayName(root.author) })}>
          {items.map((comment) => (
            <li key={comment.id}>
              <Row comment={comment} isNew={pointed?.comment === comment.id} {...actions} />
            </li>
          ))}
        </ul>
      )}
      {isOpen && error !== null && <Failed error={error} retry={() => threads.more(root.id)} />}
      {isOpen && isLoading && <Spinner />}
      <div class="answers-foot">
        {isOpen && hasMore && (
          <Button look="plain" size="small" onClick={() => threads.more(root.id)}>
            {tn("comments.replies.more", left)}
          </Button>
        )}
        <Button look="plain" size="small" aria-expanded={isOpen} onClick={() => threads.toggle(root.id)}>
          {isOpen ? <UpIcon size={16} /> : <DownIcon size={16} />}
          {isOpen ? t("comments.replies.hide") : tn("comments.replies", Math.max(root.reply_count, items.length))}
        </Button>
      </div>
    </div>
  );
}

// How many pages are read to find a comment that a link points to.
const maxPages = 5;

// usePointed reads on until the comment that a link points to is there, opens its thread, and scrolls to it.
function usePointed(pointed: Pointed | undefined, threads: Threads): void {
  const pages = useRef(0);
  const isFound = useRef(false);
  const { roots } = threads;
  const thread = threads.thread(pointed?.root ?? 0);
  useEffect(() => {
    if (!pointed || isFound.current || roots.isLoading || roots.error) return;
    const isAnswer = pointed.comment !== pointed.root;
    const root = roots.items.find(({ id }) => id === pointed.root);
    const readOn = (more: () => void) => {
      if (++pages.current <= maxPages) more();
    };
    if (!root) {
      if (!roots.isEnd) readOn(roots.more);
      return;
    }
    const show = (id: number) => document.getElementById(rowId(id))?.scrollIntoView({ block: "center" });
    if (!isAnswer || thread.items.some(({ id }) => id === pointed.comment)) {
      isFound.current = true;
      show(pointed.comment);
    } else if (!thread.isOpen) {
      show(root.id);
      threads.toggle(root.id);
    } else if (!thread.isLoading && !thread.isEnd && !thread.error) {
      readOn(() => threads.more(root.id));
    }
  }, [pointed, roots.items, roots.isLoading, thread]);
}

function CommentSkeletons() {
  return (
    <ul aria-hidden="true">
      {[0, 1, 2, 3].map((n) => (
        <li key={n} class="comment">
          <Skeleton class="avatar-40 skeleton-round" />
          <div class="comment-body">
            <Skeleton class="skeleton-line skeleton-short" />
            <Skeleton class="skeleton-line" />
          </div>
        </li>
      ))}
    </ul>
  );
}
