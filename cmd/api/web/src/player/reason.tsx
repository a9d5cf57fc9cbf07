import type { FeedReason, User } from "../api/types";
import { t } from "../lib/i18n";
import { fill } from "../lib/fill";
import { tagPath } from "../lib/paths";
import { displayName } from "../ui/avatar";

/** Reason says in a line why the feed shows a video. A kind that this client does not know yet, and the newest videos, say nothing. */
export function Reason({ reason, author }: { reason: FeedReason; author: User }) {
  const words = wordsOf(reason, author);
  return words ? <p class="video-reason">{words}</p> : null;
}

function wordsOf({ kind, video, tag }: FeedReason, author: User) {
  switch (kind) {
    case "fresh":
      return t("reason.fresh");
    case "hot":
      return t("reason.hot");
    case "explore":
      return t("reason.explore");
    case "followed":
      return t("reason.followed", { name: displayName(author) });
    case "co_liked":
      return video && fill(t("reason.co_liked"), { title: <a href={`/v/${video.id}`}>{video.title}</a> });
    case "tag":
      return tag && fill(t("reason.tag"), { tag: <a href={tagPath(tag)}>#{tag}</a> });
  }
  return null;
}
