import type { Comment, User } from "../api/types";
import { ago, count, dateTime, t, tn } from "../lib/i18n";
import { Avatar, displayName, profilePath } from "../ui/avatar";
import { HeartIcon, PinIcon } from "../ui/icons";
import { Mentions } from "../ui/rich";

interface RowProps {
  comment: Comment;
  /** Who looks at it, 0 for a visitor; who made the video. */
  viewer: number;
  videoAuthor: number;
  isNew?: boolean;
  onReply: (comment: Comment) => void;
  onLike: (comment: Comment) => void;
  onPin: (comment: Comment) => void;
  onDelete: (comment: Comment) => void;
}

/** rowId is the id of a comment's element. */
export const rowId = (id: number): string => `comment-${id}`;

/** Row is one comment with what one can do with it. */
export function Row({ comment, viewer, videoAuthor, isNew = false, onReply, onLike, onPin, onDelete }: RowProps) {
  const { author } = comment;
  const isStored = comment.id > 0;
  const isRoot = comment.root_id === 0;
  // Who is answered stands there when it is not the one who began the thread.
  const answered = !isRoot && comment.reply_to_id !== comment.root_id ? comment.reply_to_user : undefined;
  const short = comment.content.slice(0, 40);
  const name = displayName(author);
  return (
    <div id={rowId(comment.id)} class={`comment${isStored ? "" : " comment-pending"}${isNew ? " comment-new" : ""}`}>
      {author.is_deleted ? (
        <Avatar user={author} size={isRoot ? 40 : 32} />
      ) : (
        <a href={profilePath(author)} tabIndex={-1} aria-hidden="true">
          <Avatar user={author} size={isRoot ? 40 : 32} />
        </a>
      )}
      <div class="comment-body">
        {comment.is_pinned && (
          <p class="comment-pinned">
            <PinIcon size={14} />
            {t("comments.pinned")}
          </p>
        )}
        <p class="comment-head">
          <Name user={author} />
          {author.id === videoAuthor && <span class="comment-badge">{t("comments.author")}</span>}
          {answered && (
            <>
              <span aria-hidden="true" class="muted">
                ▸
              </span>
              <span class="visually-hidden">{t("comments.answers")}</span>
              <Name user={answered} />
            </>
          )}
        </p>
        <p class="comment-text">
          <Mentions text={comment.content} mentions={comment.mentions} />
        </p>
        <p class="comment-foot">
          <time dateTime={comment.created_at} title={dateTime(comment.created_at)}>
            {ago(comment.created_at)}
          </time>
          {isStored && (
            <>
              <button type="button" onClick={() => onReply(comment)} aria-label={t("comments.reply.label", { name })}>
                {t("comments.reply")}
              </button>
              {isRoot && viewer !== 0 && viewer === videoAuthor && (
                <button
                  type="button"
                  onClick={() => onPin(comment)}
                  aria-label={t(comment.is_pinned ? "comments.unpin.label" : "comments.pin.label", { text: short })}
                >
                  {t(comment.is_pinned ? "comments.unpin" : "comments.pin")}
                </button>
              )}
              {author.id === viewer && (
                <button type="button" onClick={() => onDelete(comment)} aria-label={t("comments.delete.label", { text: short })}>
                  {t("action.delete")}
                </button>
              )}
            </>
          )}
        </p>
      </div>
      {isStored && (
        <button
          type="button"
          class={`comment-like${comment.is_liked ? " is-liked" : ""}`}
          aria-pressed={comment.is_liked}
          aria-label={`${t("comments.like.label", { text: short })}, ${tn("video.likes", comment.like_count)}`}
          title={t(comment.is_liked ? "player.unlike" : "player.like")}
          onClick={() => onLike(comment)}
        >
          <HeartIcon size={18} filled={comment.is_liked} />
          <span>{comment.like_count > 0 ? count(comment.like_count) : ""}</span>
        </button>
      )}
    </div>
  );
}

function Name({ user }: { user: User }) {
  const name = displayName(user);
  return user.is_deleted ? <span class="muted">{name}</span> : <a href={profilePath(user)}>{name}</a>;
}
