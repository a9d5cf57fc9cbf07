import { api } from "../api/client";
import { ApiError } from "../api/error";
import { useList, useLoad } from "../lib/hooks";
import { t, tn } from "../lib/i18n";
import { useTitle, type PageProps } from "../lib/router";
import { Grid, idsOf, itself } from "../ui/grid";
import { HashIcon } from "../ui/icons";
import { Empty, Skeleton } from "../ui/states";

/** TagPage shows the videos with a tag. */
export default function TagPage({ params }: PageProps) {
  const tag = params["tag"] ?? "";
  const about = useLoad(`tag ${tag}`, () => api.tag(tag), [tag]);
  const list = useList(`videos ${tag}`, async (cursor) => idsOf(await api.tagVideos(tag, cursor)), itself);
  const name = about.value?.name ?? tag;
  useTitle(`#${name}`);
  // What is no tag is refused.
  const isNone = list.error instanceof ApiError && (list.error.status === 400 || list.error.isMissing);
  if (isNone || (list.isEnd && list.items.length === 0)) {
    return (
      <Empty page icon={<HashIcon size={40} />} title={t("tag.empty", { tag: name })} text={t("tag.empty.text")}>
        <a class="button button-primary button-medium" href="/search">
          {t("search.title")}
        </a>
      </Empty>
    );
  }
  return (
    <div class="page page-wide">
      <header class="tag-head">
        <span class="tag-sign tag-sign-large">
          <HashIcon size={36} />
        </span>
        <div class="person-texts">
          <h1 class="tag-name">{name}</h1>
          {about.value ? (
            <p class="muted">{tn("tag.videos", about.value.video_count)}</p>
          ) : about.error ? null : (
            <Skeleton class="skeleton-line skeleton-name" />
          )}
        </div>
      </header>
      <Grid list={list} below="both" />
    </div>
  );
}
