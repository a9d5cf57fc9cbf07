import { useState } from "preact/hooks";
import { api } from "../api/client";
import { LoginCancelled, errorText } from "../api/error";
import type { Comment } from "../api/types";
import { patchVideo } from "../lib/entities";
import { useList } from "../lib/hooks";
import { ago, t } from "../lib/i18n";
import { useKept } from "../lib/router";
import { requireLogin, useMe, viewer } from "../lib/session";
import { toast } from "../lib/toasts";
import { Avatar, displayName, profilePath } from "../ui/avatar";
import { IconButton } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { TextArea, length } from "../ui/form";
import { CommentIcon, SendIcon, TrashIcon } from "../ui/icons";
import { Empty, ListEnd, Skeleton } from "../ui/states";

const maxLength = 500;

const changeCount = (videoId: number, by: number): void =>
  patchVideo(videoId, (video) => ({ ...video, comment_count: Math.max(0, video.comment_count + by) }));

// Comments under way have negative ids, so that they cannot be those of others.
let lastTemporary = 0;

/** Comments is the list of a video's comments, with the line to write one. It needs a key: the video's id. */
export function Comments({ videoId }: { videoId: number }) {
  const me = useMe();
  const list = useList(
    null,
    (cursor) => api.comments(videoId, cursor),
    (comment) => comment.id,
  );
  // What was typed stays when the sheet is closed.
  const [draft, setDraft] = useKept(`draft ${videoId}`, "");
  const [asked, ask] = useState<Comment | null>(null);
  const [isSending, setSending] = useState(false);
  const text = draft.trim();
  const isSendable = text !== "" && length(text) <= maxLength && !isSending;

  const post = async () => {
    if (!isSendable) return;
    setSending(true);
    try {
      if (!(await requireLogin())) return;
      const now = viewer.get();
      if (now.kind !== "member") return;
      const temporary: Comment = {
        id: --lastTemporary,
        video_id: videoId,
        author: now.me.user,
        content: text,
        created_at: new Date().toISOString(),
      };
      list.change((items) => [temporary, ...items]);
      changeCount(videoId, 1);
      setDraft("");
      try {
        const stored = await api.createComment(videoId, text);
        list.change((items) => items.map((item) => (item === temporary ? stored : item)));
      } catch (error) {
        list.change((items) => items.filter((item) => item !== temporary));
        changeCount(videoId, -1);
        // Back to where it was typed, before what was typed since.
        setDraft((since) => (since ? `${text} ${since}` : text));
        if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
      }
    } finally {
      setSending(false);
    }
  };

  const remove = async (comment: Comment) => {
    list.change((items) => items.filter((item) => item.id !== comment.id));
    changeCount(videoId, -1);
    try {
      await api.deleteComment(videoId, comment.id);
      toast(t("comments.deleted"), "success");
    } catch (error) {
      changeCount(videoId, 1);
      list.change((items) => [...items, comment].sort((a, b) => b.created_at.localeCompare(a.created_at)));
      if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
    }
  };

  const isEmpty = list.items.length === 0 && list.isEnd;
  return (
    <div class="comments">
      <div class="comments-list" tabIndex={0} role="region" aria-label={t("comments.title")}>
        {isEmpty && <Empty icon={<CommentIcon size={40} />} title={t("comments.empty")} text={t("comments.empty.text")} />}
        <ul>
          {list.items.map((comment) => (
            <Row key={comment.id} comment={comment} isOwn={comment.author.id === me?.id} onDelete={() => ask(comment)} />
          ))}
        </ul>
        <ListEnd list={list} skeleton={<CommentSkeletons />} />
      </div>
      <form
        class="comments-form"
        onSubmit={(event) => {
          event.preventDefault();
          void post();
        }}
      >
        <TextArea
          bare
          label={t("comments.placeholder")}
          placeholder={t("comments.placeholder")}
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
          text={asked.content}
          action={t("action.delete")}
          onConfirm={() => {
            void remove(asked);
            return Promise.resolve();
          }}
          onClose={() => ask(null)}
        />
      )}
    </div>
  );
}

function Row({ comment, isOwn, onDelete }: { comment: Comment; isOwn: boolean; onDelete: () => void }) {
  const { author } = comment;
  const name = displayName(author);
  return (
    <li class={`comment${comment.id < 0 ? " comment-pending" : ""}`}>
      {author.is_deleted ? (
        <Avatar user={author} size={40} />
      ) : (
        <a href={profilePath(author)} tabIndex={-1} aria-hidden="true">
          <Avatar user={author} size={40} />
        </a>
      )}
      <div class="comment-body">
        <p class="comment-head">
          {author.is_deleted ? <span class="muted">{name}</span> : <a href={profilePath(author)}>{name}</a>}
          <span class="muted">{ago(comment.created_at)}</span>
        </p>
        <p class="comment-text">{comment.content}</p>
      </div>
      {isOwn && comment.id > 0 && (
        <IconButton label={t("comments.delete.label", { text: comment.content.slice(0, 40) })} onClick={onDelete} class="comment-delete">
          <TrashIcon size={18} />
        </IconButton>
      )}
    </li>
  );
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
