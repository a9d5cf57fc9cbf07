import { useState } from "preact/hooks";
import type { TextSpan, User } from "../api/types";
import { setFollowed } from "../lib/actions";
import { useUser } from "../lib/entities";
import { t } from "../lib/i18n";
import { go } from "../lib/router";
import { useMe } from "../lib/session";
import { Avatar, displayName, profilePath } from "./avatar";
import { Button } from "./button";
import { Confirm } from "./dialog";
import { Marked } from "./rich";
import { Skeleton } from "./states";

/** FollowButton follows, and asks before it stops. */
export function FollowButton({ user, size = "medium" }: { user: User; size?: "small" | "medium" }) {
  const [asks, ask] = useState(false);
  return (
    <>
      <Button
        look={user.is_followed ? "secondary" : "primary"}
        size={size}
        aria-label={
          user.is_followed ? `${t("action.following")}: ${displayName(user)}` : t("action.follow.name", { name: displayName(user) })
        }
        onClick={() => (user.is_followed ? ask(true) : void setFollowed(user.id, true))}
      >
        {t(user.is_followed ? "action.following" : "action.follow")}
      </Button>
      {asks && (
        <Confirm
          title={t("profile.unfollow", { name: displayName(user) })}
          action={t("action.unfollow")}
          onConfirm={() => {
            void setFollowed(user.id, false);
            return Promise.resolve();
          }}
          onClose={() => ask(false)}
        />
      )}
    </>
  );
}

interface PersonRowProps {
  id: number;
  /** What fits a search in the name, and in the name that is shown. */
  nameSpans?: TextSpan[];
  displayNameSpans?: TextSpan[];
}

/** PersonRow is a user in a list, with a button to follow. */
export function PersonRow({ id, nameSpans = [], displayNameSpans = [] }: PersonRowProps) {
  const user = useUser(id);
  const me = useMe();
  if (!user) return null;
  // The name is shown in the place of another one that is not there.
  const shownSpans = user.display_name || user.is_deleted ? displayNameSpans : nameSpans;
  return (
    <li class="people-row">
      <a
        class="person"
        href={user.is_deleted ? "/" : profilePath(user)}
        onClick={(event) => {
          event.preventDefault();
          if (!user.is_deleted) go(profilePath(user));
        }}
      >
        <Avatar user={user} size={48} />
        <span class="person-texts">
          <span class="person-name">
            <Marked text={displayName(user)} spans={user.is_deleted ? [] : shownSpans} />
          </span>
          <span class="muted person-handle">
            @<Marked text={user.name} spans={nameSpans} />
          </span>
        </span>
      </a>
      {user.id !== me?.id && !user.is_deleted && <FollowButton user={user} size="small" />}
    </li>
  );
}

/** peopleSkeletons are rows that are still to come. */
export const peopleSkeletons = (
  <ul aria-hidden="true">
    {[0, 1, 2, 3, 4].map((n) => (
      <li key={n} class="people-row">
        <span class="person">
          <Skeleton class="avatar-48 skeleton-round" />
          <Skeleton class="skeleton-line skeleton-name" />
        </span>
      </li>
    ))}
  </ul>
);
