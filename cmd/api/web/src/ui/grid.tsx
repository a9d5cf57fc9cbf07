import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Page, TextSpan, Video } from "../api/types";
import { putVideos, useVideo } from "../lib/entities";
import type { List } from "../lib/hooks";
import { count, t, tn } from "../lib/i18n";
import { displayName, profilePath } from "./avatar";
import { IconButton } from "./button";
import { HeartIcon, PlayIcon, TrashIcon } from "./icons";
import { Title } from "./rich";
import { ListEnd, Skeleton } from "./states";

/** idsOf keeps a page of videos, and is the page of their ids. */
export const idsOf = ({ items, next_cursor }: Page<Video>): Page<number> => ({ items: putVideos(items), next_cursor });

/** itself is the key of a list of ids. */
export const itself = (id: number): number => id;

interface GridProps {
  /** The videos, by id. */
  list: List<number>;
  before?: ComponentChildren;
  /** What stands below a cover: the title, its author, or both. */
  below?: "title" | "author" | "both";
  /** What fits a search in the title of a video. */
  spansOf?: (id: number) => TextSpan[] | undefined;
  onDelete?: ((id: number) => void) | undefined;
}

/** Grid shows the covers of a list of videos. */
export function Grid({ list, before, below = "title", spansOf, onDelete }: GridProps) {
  return (
    <>
      <ul class="grid">
        {before}
        {list.items.map((id) => (
          <Tile key={id} id={id} below={below} spans={spansOf?.(id)} onDelete={onDelete} />
        ))}
        {list.isLoading && list.items.length === 0 && tileSkeletons}
      </ul>
      <ListEnd list={list} skeleton={list.items.length === 0 ? <span /> : undefined} />
    </>
  );
}

/** tileSkeletons are covers that are still to come. */
export const tileSkeletons = Array.from({ length: 6 }, (_, n) => (
  <li key={n} class="tile" aria-hidden="true">
    <Skeleton class="tile-skeleton" />
  </li>
));

interface TileProps {
  id: number;
  below: "title" | "author" | "both";
  spans: TextSpan[] | undefined;
  onDelete?: ((id: number) => void) | undefined;
}

function Tile({ id, below, spans, onDelete }: TileProps) {
  const video = useVideo(id);
  const [isShown, show] = useState(false);
  if (!video) return null;
  const { author } = video;
  return (
    <li class="tile">
      <a
        class="tile-link"
        href={`/v/${id}`}
        onMouseEnter={() => show(true)}
        onMouseLeave={() => show(false)}
      >
        <img src={video.cover_url} alt="" loading="lazy" decoding="async" />
        {isShown && video.preview_url && <img class="tile-preview" src={video.preview_url} alt="" />}
        <span class="visually-hidden">
          {[
            t("video.by", { title: video.title, name: displayName(author) }),
            tn("video.views", video.view_count),
            tn("video.likes", video.like_count),
          ].join(", ")}
        </span>
        <span class="tile-foot" aria-hidden="true">
          <PlayIcon size={14} />
          {count(video.view_count)}
          <HeartIcon size={14} />
          {count(video.like_count)}
        </span>
      </a>
      {below !== "author" && (
        <p class={`tile-title${below === "both" ? " tile-title-long" : ""}`}>
          <Title text={video.title} mentions={video.mentions} spans={spans} />
        </p>
      )}
      {below !== "title" &&
        (author.is_deleted ? (
          <p class="tile-title">{displayName(author)}</p>
        ) : (
          <p class="tile-title">
            <a href={profilePath(author)}>@{author.name}</a>
          </p>
        ))}
      {onDelete && (
        <IconButton class="tile-delete" label={t("video.delete.label", { title: video.title })} onClick={() => onDelete(id)}>
          <TrashIcon size={18} />
        </IconButton>
      )}
    </li>
  );
}
