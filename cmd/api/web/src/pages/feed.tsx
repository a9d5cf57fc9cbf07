import { useCallback } from "preact/hooks";
import { api } from "../api/client";
import { putVideos } from "../lib/entities";
import { useDesktop, useList } from "../lib/hooks";
import { t } from "../lib/i18n";
import { useAgain, useKept, useTitle } from "../lib/router";
import { Watch } from "../player/watch";
import { Button } from "../ui/button";
import { CheckIcon, VideoIcon } from "../ui/icons";
import { Empty, Failed, Spinner } from "../ui/states";

/** feedPage is a page of the feed, with its videos by id. */
const feedPage = async (cursor: string | undefined) => {
  const { items, next_cursor } = await api.feed(cursor);
  return { items: putVideos(items), next_cursor };
};

/** Feed is the first page: one video after another. The tabs Following and Hot will stand beside its title. */
export default function Feed() {
  useTitle(t("feed.title"));
  const desktop = useDesktop();
  const list = useList("feed", feedPage, (id) => id);
  const [index, setIndex] = useKept("index", 0);
  const toTop = useCallback(() => {
    setIndex(0);
    list.refresh();
  }, [list.refresh]);
  useAgain(toTop);

  const isEmpty = list.items.length === 0;
  return (
    <>
      <header class={desktop ? "feed-head" : "feed-head on-video"}>
        <h1 class="feed-title">{t("feed.title")}</h1>
      </header>
      {isEmpty && list.error ? (
        <Failed error={list.error} retry={list.refresh} />
      ) : isEmpty && list.isEnd ? (
        <Empty icon={<VideoIcon size={40} />} title={t("feed.empty")} text={t("feed.empty.text")}>
          <a class="button button-primary button-medium" href="/upload">
            {t("nav.upload")}
          </a>
        </Empty>
      ) : isEmpty ? (
        <FeedSkeleton />
      ) : (
        <Watch
          ids={list.items}
          index={Math.min(index, list.items.length - 1)}
          onIndex={setIndex}
          onNearEnd={list.more}
          after={
            list.error ? (
              <Failed error={list.error} retry={list.more} />
            ) : list.isEnd ? (
              <Empty icon={<CheckIcon size={40} />} title={t("feed.end")} text={t("feed.end.text")}>
                <Button onClick={toTop}>{t("feed.top")}</Button>
              </Empty>
            ) : (
              <Spinner />
            )
          }
        />
      )}
    </>
  );
}

/** FeedSkeleton has the size of a video. */
export function FeedSkeleton() {
  return (
    <div class="watch">
      <div class="slide">
        <div class="video" style={{ "--ratio": "0.5625" }}>
          <div class="video-frame on-video video-loading">
            <Spinner />
          </div>
          <div class="rail" />
        </div>
      </div>
    </div>
  );
}
