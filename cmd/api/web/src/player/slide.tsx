import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { api } from "../api/client";
import type { FeedReason, Video } from "../api/types";
import { setFollowed, setLiked, share } from "../lib/actions";
import { onReconnect } from "../lib/connection";
import { epoch, isStale, putVideo, useUser, useVideo } from "../lib/entities";
import { useDesktop } from "../lib/hooks";
import { ago, count, t, tn } from "../lib/i18n";
import { useMe } from "../lib/session";
import { createStore, useStore } from "../lib/store";
import { Avatar, displayName, profilePath } from "../ui/avatar";
import { Button } from "../ui/button";
import { CommentIcon, HeartIcon, MutedIcon, PlayIcon, PlusIcon, ShareIcon, SoundIcon } from "../ui/icons";
import { Title } from "../ui/rich";
import type { Playback, Player } from "./player";
import { Progress } from "./progress";
import { Reason } from "./reason";
import { isLocked, isMuted, toggleSound, unlocked, useSound } from "./sound";

interface SlideProps {
  id: number;
  /** The player that stands here; null when the video is too far away to have one. */
  player: Player | null;
  isActive: boolean;
  position: number;
  /** Why the feed shows it, if it says so. */
  reason: FeedReason | undefined;
  onComments: () => void;
  /** Gets the element in which the player stands. */
  holder: (element: HTMLElement | null) => void;
}

/** Slide is one video with its cover, its title and what one can do with it. */
export function Slide({ id, player, isActive, reason, onComments, holder }: SlideProps) {
  const video = useVideo(id);
  const round = useStore(epoch);
  useEffect(() => {
    // Another viewer has logged in: do they like it?
    if (isActive && isStale(id)) api.video(id).then(putVideo, () => undefined);
  }, [id, isActive, round]);
  if (!video) return null;
  const ratio = video.width > 0 && video.height > 0 ? video.width / video.height : 9 / 16;
  const isWide = ratio > 0.8;
  return (
    <article
      class="video"
      style={{ "--ratio": String(ratio) }}
      aria-label={t("video.by", { title: video.title, name: displayName(video.author) })}
    >
      <div class={`video-frame on-video${isWide ? " video-wide" : ""}`}>
        <img class="video-backdrop" src={video.cover_url} alt="" aria-hidden="true" />
        <img class="video-cover" src={video.cover_url} alt="" decoding="async" fetchpriority={isActive ? "high" : "auto"} />
        <div class="video-holder" ref={holder} />
        <Surface video={video} player={player} />
        <Info video={video} reason={reason} />
        {isActive && player && <Progress player={player} durationMs={video.duration_ms} />}
      </div>
      <Rail video={video} onComments={onComments} />
    </article>
  );
}

interface Heart {
  key: number;
  x: number;
  y: number;
}

const doubleTapMs = 260;
const heartMs = 700;
const idle = createStore<Playback>({ hasFrame: false, isPaused: false, isWaiting: false, hasFailed: false });

// What one taps: once pauses, twice likes. A single tap waits for the second one only as long as that may take.
function Surface({ video, player }: { video: Video; player: Player | null }) {
  const playback = useStore(player?.state ?? idle);
  const sound = useSound();
  const desktop = useDesktop();
  const [hearts, setHearts] = useState<Heart[]>([]);
  const timer = useRef(0);
  const lastTap = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);

  const onClick = (event: MouseEvent) => {
    if (!player) return;
    if (event.detail === 0) {
      // By the keyboard.
      if (!unlocked(event)) player.toggle();
      return;
    }
    const wasUnlock = unlocked(event);
    if (event.timeStamp - lastTap.current < doubleTapMs) {
      clearTimeout(timer.current);
      const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
      const heart = { key: event.timeStamp, x: event.clientX - box.left, y: event.clientY - box.top };
      setHearts((shown) => [...shown.slice(-4), heart]);
      setTimeout(() => setHearts((shown) => shown.filter(({ key }) => key !== heart.key)), heartMs);
      if (!video.is_liked) void setLiked(video.id, true);
    } else if (!wasUnlock) {
      timer.current = window.setTimeout(() => player.toggle(), doubleTapMs);
    }
    lastTap.current = event.timeStamp;
  };

  return (
    <>
      <button
        type="button"
        class="video-surface"
        aria-label={t(playback.isPaused ? "player.play" : "player.pause")}
        aria-keyshortcuts="Space"
        onClick={onClick}
      >
        {playback.isPaused && playback.hasFrame && !playback.hasFailed && (
          <span class="video-play">
            <PlayIcon size={56} />
          </span>
        )}
        {hearts.map(({ key, x, y }) => (
          <span key={key} class="heart-burst" style={{ left: `${x}px`, top: `${y}px` }}>
            <HeartIcon size={88} filled />
          </span>
        ))}
      </button>
      {playback.isWaiting && !playback.hasFailed && (
        <div class="video-waiting">
          <span class="spinner" />
        </div>
      )}
      {player && playback.hasFailed && <Broken video={video} player={player} />}
      {isLocked(sound) && playback.hasFrame && (
        <span class="video-unmute" aria-hidden="true">
          <MutedIcon size={18} />
          {t(desktop ? "player.click" : "player.tap")}
        </span>
      )}
    </>
  );
}

// A file that does not load: the server may restart, or the address has expired. A new address is asked for, by itself when the
// connection comes back.
function Broken({ video, player }: { video: Video; player: Player }) {
  const [busy, setBusy] = useState(false);
  const retry = () => {
    setBusy(true);
    api
      .video(video.id)
      .then((latest) => {
        putVideo(latest);
        if (player.videoId === latest.id) player.reload(latest.play_url);
      })
      .catch(() => undefined)
      .finally(() => setBusy(false));
  };
  useEffect(() => {
    // Asking for the new address also finds out whether the server is there.
    if (player.mayRetry()) retry();
    return onReconnect(retry);
  }, [video.id, player]);
  return (
    <div class="video-broken" role="alert">
      <p>{t("player.failed")}</p>
      <Button busy={busy} onClick={retry}>
        {t("action.retry")}
      </Button>
    </div>
  );
}

function Info({ video, reason }: { video: Video; reason: FeedReason | undefined }) {
  const [isOpen, setOpen] = useState(false);
  const [isLong, setLong] = useState(false);
  const text = useRef<HTMLParagraphElement>(null);
  useLayoutEffect(() => {
    const element = text.current;
    if (element && !isOpen) setLong(element.scrollHeight > element.clientHeight + 1);
  }, [video.title, isOpen]);
  return (
    <div class="video-info">
      {reason && <Reason reason={reason} author={video.author} />}
      <p class="video-author">
        {video.author.is_deleted ? <span>{displayName(video.author)}</span> : <a href={profilePath(video.author)}>@{video.author.name}</a>}
        <span class="muted">
          {" "}
          · {ago(video.published_at)}
          {video.view_count > 0 && ` · ${tn("video.views", video.view_count)}`}
        </span>
      </p>
      <p ref={text} class={`video-title${isOpen ? "" : " video-title-short"}`}>
        <Title text={video.title} mentions={video.mentions} />
      </p>
      {isLong && (
        <button type="button" class="video-more" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t(isOpen ? "action.less" : "action.more")}
        </button>
      )}
    </div>
  );
}

function Rail({ video, onComments }: { video: Video; onComments: () => void }) {
  const me = useMe();
  const author = useUser(video.author.id) ?? video.author;
  const sound = useSound();
  const muted = isMuted(sound);
  const canFollow = !author.is_deleted && !author.is_followed && author.id !== me?.id;
  return (
    <div class="rail">
      <div class="rail-author">
        {author.is_deleted ? (
          <Avatar user={author} size={48} />
        ) : (
          <a href={profilePath(author)} aria-label={displayName(author)}>
            <Avatar user={author} size={48} />
          </a>
        )}
        {canFollow && (
          <button
            type="button"
            class="rail-follow"
            aria-label={t("action.follow.name", { name: displayName(author) })}
            title={t("action.follow")}
            onClick={() => void setFollowed(author.id, true)}
          >
            <PlusIcon size={16} />
          </button>
        )}
      </div>
      <button
        type="button"
        class={`rail-button${video.is_liked ? " is-liked" : ""}`}
        aria-pressed={video.is_liked}
        aria-label={`${t("player.like")}, ${tn("video.likes", video.like_count)}`}
        aria-keyshortcuts="L"
        title={t(video.is_liked ? "player.unlike" : "player.like")}
        onClick={() => void setLiked(video.id, !video.is_liked)}
      >
        <span class="rail-icon">
          <HeartIcon size={30} filled />
        </span>
        <span class="rail-count">{count(video.like_count)}</span>
      </button>
      <button
        type="button"
        class="rail-button"
        aria-label={tn("video.comments", video.comment_count)}
        aria-keyshortcuts="C"
        title={t("player.comments")}
        onClick={onComments}
      >
        <span class="rail-icon">
          <CommentIcon size={30} filled />
        </span>
        <span class="rail-count">{count(video.comment_count)}</span>
      </button>
      <button
        type="button"
        class="rail-button"
        aria-label={t("action.share")}
        title={t("action.share")}
        onClick={() => void share(`/v/${video.id}`, video.title)}
      >
        <span class="rail-icon">
          <ShareIcon size={30} filled />
        </span>
        <span class="rail-count">{t("action.share")}</span>
      </button>
      <button
        type="button"
        class="rail-button"
        aria-label={t(muted ? "player.unmute" : "player.mute")}
        aria-keyshortcuts="M"
        title={t(muted ? "player.unmute" : "player.mute")}
        onClick={toggleSound}
      >
        <span class="rail-icon">{muted ? <MutedIcon size={26} /> : <SoundIcon size={26} />}</span>
      </button>
    </div>
  );
}
