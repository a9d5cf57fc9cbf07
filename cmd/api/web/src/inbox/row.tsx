import type { ComponentChildren } from "preact";
import type { Notice } from "../api/types";
import { fill } from "../lib/fill";
import { ago, dateTime, has, t, tn } from "../lib/i18n";
import { useMe } from "../lib/session";
import { Avatar, displayName, profilePath } from "../ui/avatar";
import { AlertIcon, BellIcon, CheckIcon, CommentIcon, HeartIcon, MentionIcon, ReplyIcon, UserIcon, type IconProps } from "../ui/icons";
import { moreKey, namesOf, sentenceKey, several, target } from "./words";

const icons: Record<string, (props: IconProps) => ComponentChildren> = {
  like: HeartIcon,
  comment_like: HeartIcon,
  comment: CommentIcon,
  reply: ReplyIcon,
  mention: MentionIcon,
  follow: UserIcon,
};

/** NoticeRow is one notice: a link to what it is about. */
export function NoticeRow({ notice, isUnread }: { notice: Notice; isUnread: boolean }) {
  const me = useMe();
  const { comment, video } = notice;
  const text = comment?.content ?? "";
  const n = several(notice);
  return (
    <li>
      <a class={`notice${isUnread ? " notice-unread" : ""}`} href={target(notice, me ? `${profilePath(me)}?list=followers` : "/")}>
        <Faces notice={notice} />
        <span class="notice-body">
          <span class="notice-text">
            {isUnread && <span class="visually-hidden">{t("inbox.unread")} </span>}
            <Sentence notice={notice} />
          </span>
          {text !== "" && <span class="notice-quote">{text}</span>}
          {notice.reason !== "" && <span class="notice-quote">{notice.reason}</span>}
          <span class="notice-time">
            <time dateTime={notice.at} title={dateTime(notice.at)}>
              {ago(notice.at)}
            </time>
            {n > 0 && ` · ${tn("video.comments", n)}`}
          </span>
        </span>
        {video && video.cover_url && <img class="notice-cover" src={video.cover_url} alt={video.title} loading="lazy" decoding="async" />}
        {isUnread && <span class="notice-dot" aria-hidden="true" />}
      </a>
    </li>
  );
}

// Who did it, at most two faces, with a sign of what they did.
function Faces({ notice }: { notice: Notice }) {
  const { actors, kind, state } = notice;
  const Icon = icons[kind] ?? (state === "failed" ? AlertIcon : state === "ready" ? CheckIcon : BellIcon);
  const [first, second] = actors;
  if (!first) {
    return (
      <span class={`notice-faces notice-faces-none notice-${kind}${state === "failed" ? " notice-failed" : ""}`} aria-hidden="true">
        <Icon size={24} />
      </span>
    );
  }
  return (
    <span class="notice-faces" aria-hidden="true">
      {second ? (
        <>
          <span class="notice-face-back">
            <Avatar user={second} size={32} />
          </span>
          <span class="notice-face-front">
            <Avatar user={first} size={32} />
          </span>
        </>
      ) : (
        <Avatar user={first} size={48} />
      )}
      <span class={`notice-sign notice-${kind}`}>
        <Icon size={12} filled />
      </span>
    </span>
  );
}

// The names stand out of the sentence, wherever the language has them.
function Sentence({ notice }: { notice: Notice }) {
  const key = sentenceKey(notice);
  // A kind that this client does not know yet has a sentence, too.
  const text = has(key) ? t(key) : t("notice.unknown");
  return fill(text, { names: <People notice={notice} />, title: <strong>{notice.title}</strong> });
}

function People({ notice }: { notice: Notice }) {
  const names = namesOf(notice);
  if (!names) return null;
  const words = Object.entries(names.people).map(([place, user]) => [place, <strong key={place}>{displayName(user)}</strong>]);
  return fill(t(names.key), { ...Object.fromEntries(words), n: tn(moreKey, names.more) });
}
