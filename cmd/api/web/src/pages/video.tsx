import { useEffect, useMemo, useState } from "preact/hooks";
import { api } from "../api/client";
import { ApiError } from "../api/error";
import type { Video } from "../api/types";
import type { Pointed } from "../comments/comments";
import { getVideo, putVideo, putVideos, useVideo } from "../lib/entities";
import { useDesktop, useList, useLoad } from "../lib/hooks";
import { t } from "../lib/i18n";
import { back, useKept, useTitle, type PageProps } from "../lib/router";
import { Watch } from "../player/watch";
import { IconButton } from "../ui/button";
import { BackIcon, CheckIcon, VideoIcon } from "../ui/icons";
import { Empty, Failed, Spinner } from "../ui/states";
import { displayName, profilePath } from "../ui/avatar";
import { FeedSkeleton } from "./feed";

/** VideoPage plays one video, then its author's others. The address follows what plays. */
export default function VideoPage({ params, query }: PageProps) {
  // Going back finds the list that began here, though the address has moved on.
  const [first] = useKept("first", Number(params["id"]));
  const [pointed] = useState(() => pointedOf(query));
  if (!Number.isSafeInteger(first) || first <= 0) return <Missing />;
  return <Loaded first={first} pointed={pointed} />;
}

// pointedOf is the comment that ?comment=ID&root=ID points to.
function pointedOf(query: URLSearchParams): Pointed | undefined {
  const comment = Number(query.get("comment"));
  const root = Number(query.get("root")) || comment;
  return comment > 0 && root > 0 ? { comment, root } : undefined;
}

interface VideosProps {
  first: number;
  pointed: Pointed | undefined;
}

function Loaded({ first, pointed }: VideosProps) {
  const video = useLoad(`video ${first}`, async () => putAndName(await api.video(first)), [first]);
  if (video.value !== undefined || (getVideo(first) && !video.error)) return <Videos first={first} pointed={pointed} />;
  if (video.error instanceof ApiError && video.error.isMissing) return <Missing />;
  if (video.error) return <Failed page error={video.error} retry={video.reload} />;
  return <FeedSkeleton />;
}

function putAndName(video: Video): number {
  putVideo(video);
  return video.id;
}

function Missing() {
  useTitle(t("video.missing"));
  return (
    <Empty page icon={<VideoIcon size={40} />} title={t("video.missing")} text={t("video.missing.text")}>
      <a class="button button-primary button-medium" href="/">
        {t("action.home")}
      </a>
    </Empty>
  );
}

function Videos({ first, pointed }: VideosProps) {
  const desktop = useDesktop();
  const author = getVideo(first)?.author;
  const list = useList(
    "others",
    async (cursor) => {
      const page = await api.userVideos(author?.id ?? 0, cursor, 12);
      return { items: putVideos(page.items).filter((id) => id !== first), next_cursor: page.next_cursor };
    },
    (id) => id,
  );
  const [index, setIndex] = useKept("index", 0);
  const ids = useMemo(() => [first, ...list.items], [first, list.items]);
  const id = ids[index] ?? first;
  const video = useVideo(id);
  useTitle(video?.title ?? "");
  useEffect(() => {
    // The entry of the history stays the same: going back leaves the page.
    history.replaceState(history.state, "", `/v/${id}`);
  }, [id]);
  return (
    <>
      <header class={desktop ? "feed-head" : "feed-head on-video"}>
        <IconButton label={t("action.back")} onClick={back} class="feed-back">
          <BackIcon />
        </IconButton>
        <h1 class="visually-hidden">{video?.title ?? ""}</h1>
      </header>
      <Watch
        ids={ids}
        index={Math.min(index, ids.length - 1)}
        onIndex={setIndex}
        pointed={pointed}
        onNearEnd={list.more}
        after={
          list.error ? (
            <Failed error={list.error} retry={list.more} />
          ) : list.isEnd ? (
            <Empty icon={<CheckIcon size={40} />} title={t("state.end")}>
              {author && (
                <a class="button button-secondary button-medium" href={profilePath(author)}>
                  {t("profile.more", { name: displayName(author) })}
                </a>
              )}
              <a class="button button-primary button-medium" href="/">
                {t("action.home")}
              </a>
            </Empty>
          ) : (
            <Spinner />
          )
        }
      />
    </>
  );
}
