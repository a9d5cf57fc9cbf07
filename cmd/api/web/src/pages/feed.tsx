import { useCallback, useMemo } from "preact/hooks";
import { api } from "../api/client";
import { ApiError } from "../api/error";
import type { FeedItem, FeedReason, Page } from "../api/types";
import { epoch, putVideo, putVideos } from "../lib/entities";
import { useDesktop, useList } from "../lib/hooks";
import { t } from "../lib/i18n";
import { useAgain, useKept, useTitle } from "../lib/router";
import { feeds, saveFeed, savedFeed, type Feed } from "../lib/saved";
import { askLogin, useViewer, viewerId } from "../lib/session";
import { useStore } from "../lib/store";
import { Watch } from "../player/watch";
import { Button } from "../ui/button";
import { CheckIcon, UserIcon, VideoIcon } from "../ui/icons";
import { Empty, Failed, Spinner } from "../ui/states";
import { Tabs } from "../ui/tabs";

/** Shown is a video in a feed. */
interface Shown {
  id: number;
  /** Why it is there, and for whom that holds (epoch). */
  why?: { reason: FeedReason; round: number };
}

const chosen = (items: FeedItem[], tellsWhy: boolean): Shown[] =>
  items.map(({ video, reason }) => {
    putVideo(video);
    return tellsWhy ? { id: video.id, why: { reason, round: epoch.get() } } : { id: video.id };
  });

// How to read a page of each feed. In those that are about one thing each video is there for the same reason.
const readers: Record<Feed, (cursor: string | undefined) => Promise<Page<Shown>>> = {
  for_you: async (cursor) => {
    const { items, next_cursor } = await api.forYou(cursor);
    return { items: chosen(items, true), next_cursor };
  },
  following: async (cursor) => {
    const { items, next_cursor } = await api.followingFeed(cursor);
    return { items: chosen(items, false), next_cursor };
  },
  hot: async (cursor) => {
    const { items, next_cursor } = await api.hotFeed(cursor);
    return { items: chosen(items, false), next_cursor };
  },
  newest: async (cursor) => {
    const { items, next_cursor } = await api.feed(cursor);
    return { items: putVideos(items).map((id) => ({ id })), next_cursor };
  },
};

// Pages of which everything is gone meanwhile are passed over, up to this many.
const maxEmptyPages = 5;

async function readOn(feed: Feed, cursor: string | undefined): Promise<Page<Shown>> {
  for (let read = 1; ; read++) {
    let page: Page<Shown>;
    try {
      page = await readers[feed](cursor);
    } catch (error) {
      // The cursor is that of another viewer, or of a feed that is no longer kept: it goes on with a new one.
      if (!cursor || !(error instanceof ApiError) || error.status !== 400) throw error;
      cursor = undefined;
      continue;
    }
    if (page.items.length > 0 || page.next_cursor === "" || read >= maxEmptyPages) return page;
    cursor = page.next_cursor;
  }
}

/** FeedPage is the first page: one video after another, in one of several feeds. */
export default function FeedPage() {
  const viewer = useViewer();
  const desktop = useDesktop();
  const [feed, setFeed] = useKept<Feed>("feed", () => {
    const saved = savedFeed();
    return saved === "following" && viewer.kind === "visitor" ? "for_you" : saved;
  });
  useTitle(t(`feed.${feed}`));
  const show = (next: Feed) => {
    saveFeed(next);
    setFeed(next);
  };
  const isClosed = feed === "following" && viewer.kind !== "member";
  // Whom somebody follows is theirs; the other feeds go on when somebody logs in.
  const name = feed === "following" ? `${feed} ${viewerId()}` : feed;
  return (
    <div class="feed">
      <h1 class="visually-hidden">{t(`feed.${feed}`)}</h1>
      <Tabs
        class={desktop ? "feed-head" : "feed-head on-video"}
        label={t("feed.tabs")}
        selected={feed}
        onSelect={show}
        tabs={feeds.map((key) => ({ key, label: t(`feed.${key}`) }))}
      >
        {!isClosed ? <Videos key={name} name={name} feed={feed} /> : viewer.kind === "visitor" ? <MembersOnly /> : <FeedSkeleton />}
      </Tabs>
    </div>
  );
}

function MembersOnly() {
  return (
    <Empty icon={<UserIcon size={40} />} title={t("login.needed")} text={t("feed.following.login")}>
      <Button look="primary" onClick={() => void askLogin("needed")}>
        {t("nav.login")}
      </Button>
    </Empty>
  );
}

function Videos({ feed, name }: { feed: Feed; name: string }) {
  const round = useStore(epoch);
  const list = useList<Shown>(
    `feed ${name}`,
    (cursor) => readOn(feed, cursor),
    ({ id }) => id,
  );
  const [index, setIndex] = useKept(`index ${name}`, 0);
  const toTop = useCallback(() => {
    setIndex(0);
    list.refresh();
  }, [list.refresh]);
  useAgain(toTop);
  const ids = useMemo(() => list.items.map(({ id }) => id), [list.items]);
  const whys = useMemo(() => new Map(list.items.map(({ id, why }) => [id, why])), [list.items]);
  const reasonOf = (id: number) => {
    const why = whys.get(id);
    return why?.round === round ? why.reason : undefined;
  };

  if (ids.length > 0) {
    return (
      <Watch
        ids={ids}
        index={Math.min(index, ids.length - 1)}
        onIndex={setIndex}
        onNearEnd={list.more}
        reasonOf={reasonOf}
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
    );
  }
  if (list.error) return <Failed error={list.error} retry={list.refresh} />;
  if (!list.isEnd) return <FeedSkeleton />;
  if (feed === "following") {
    return (
      <Empty icon={<UserIcon size={40} />} title={t("feed.following.empty")} text={t("feed.following.empty.text")}>
        <a class="button button-primary button-medium" href="/search">
          {t("search.title")}
        </a>
      </Empty>
    );
  }
  return (
    <Empty icon={<VideoIcon size={40} />} title={t("feed.empty")} text={t("feed.empty.text")}>
      <a class="button button-primary button-medium" href="/upload">
        {t("nav.upload")}
      </a>
    </Empty>
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
