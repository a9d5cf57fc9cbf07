import { useState } from "preact/hooks";
import { t } from "../lib/i18n";
import type { User } from "../api/types";

/** displayName is what to show for a user. */
export const displayName = (user: User): string => (user.is_deleted ? t("user.deleted") : user.display_name || user.name);

/** profilePath is the address of a user's page. */
export const profilePath = (user: User): string => `/@${encodeURIComponent(user.name)}`;

/** Avatar is a user's picture, or the first letter of the name. It is decoration: the name stands beside it. */
export function Avatar({ user, size = 40 }: { user: User; size?: 32 | 40 | 48 | 64 | 96 }) {
  const [failed, setFailed] = useState("");
  const url = user.avatar_url;
  return (
    <span class={`avatar avatar-${size}`} aria-hidden="true">
      {url && failed !== url ? (
        <img src={url} alt="" width={size} height={size} loading="lazy" decoding="async" onError={() => setFailed(url)} />
      ) : (
        <span class={`avatar-letter tint-${user.id % 6}`}>{[...displayName(user)][0]?.toUpperCase() ?? "?"}</span>
      )}
    </span>
  );
}
