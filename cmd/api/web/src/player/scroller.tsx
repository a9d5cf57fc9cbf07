import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { FeedReason } from "../api/types";
import { getVideo } from "../lib/entities";
import { setLiked } from "../lib/actions";
import { useLatest } from "../lib/hooks";
import { t } from "../lib/i18n";
import { useStore } from "../lib/store";
import { anyDialog } from "../ui/dialog";
import { IconButton } from "../ui/button";
import { DownIcon, UpIcon } from "../ui/icons";
import { fetchHls } from "./hls";
import { Player } from "./player";
import { Slide } from "./slide";
import { toggleSound, unlocked, watchFirstTouch } from "./sound";
import { useWatching } from "./watching";

interface ScrollerProps {
  /** The videos in order, by id. */
  ids: number[];
  index: number;
  onIndex: (index: number) => void;
  /** Called when the last videos come near. */
  onNearEnd: () => void;
  onComments: () => void;
  /** Called when a video has its first frame. */
  onPlaying: () => void;
  /** Why the feed shows a video, if it says so. */
  reasonOf?: ((id: number) => FeedReason | undefined) | undefined;
  /** What comes after the last video: loading, an error, the end. */
  after: ComponentChildren;
}

// How long moving to another video takes, in milliseconds.
const moveMs = 180;

/** Scroller shows one video at a time, plays it, and goes to the next by swipe, wheel and keys. */
export function Scroller({ ids, index, onIndex, onNearEnd, onComments, onPlaying, reasonOf, after }: ScrollerProps) {
  const box = useRef<HTMLDivElement>(null);
  const [players] = useState(() => [new Player(), new Player(), new Player()] as const);
  const holders = useRef(new Map<number, HTMLElement>());
  const latest = useLatest({ ids, index, onIndex, onComments });
  const stopMove = useRef<() => void>(() => undefined);
  // Where the movement under way ends, or null.
  const aim = useRef<number | null>(null);
  const [isPast, setPast] = useState(false);

  const playerOf = (at: number): Player => players[(at % 3) as 0 | 1 | 2];
  const active = playerOf(index);
  const { hasFrame, hasFailed } = useStore(active.state);

  // Goes to a video. The snapping is off meanwhile: it would jump at the first pixel.
  const move = useCallback((to: number, isSmooth = true) => {
    const element = box.current;
    if (!element) return;
    // Read before the snapping is on again: it would jump back to the video that was left.
    const from = element.scrollTop;
    const end = Math.max(0, Math.min(to, element.childElementCount - 1));
    const target = end * element.clientHeight;
    stopMove.current();
    if (!isSmooth || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      element.scrollTop = target;
      return;
    }
    aim.current = end;
    element.style.scrollSnapType = "none";
    const begin = performance.now();
    let frame = 0;
    const step = (now: number) => {
      // The frame may have begun before: it would go the other way.
      const part = Math.max(0, Math.min(1, (now - begin) / moveMs));
      element.scrollTop = from + (target - from) * (1 - (1 - part) ** 3);
      if (part < 1) frame = requestAnimationFrame(step);
      else stopMove.current();
    };
    stopMove.current = () => {
      cancelAnimationFrame(frame);
      element.style.scrollSnapType = "";
      aim.current = null;
      stopMove.current = () => undefined;
    };
    frame = requestAnimationFrame(step);
  }, []);

  // Goes on by one, also while it still moves.
  const go = useCallback(
    (step: number) => {
      const element = box.current;
      if (element) move((aim.current ?? Math.round(element.scrollTop / element.clientHeight)) + step);
    },
    [move],
  );

  // The place that was left, before anything is painted; and the same video after the window has changed its size.
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    let height = 0;
    const observer = new ResizeObserver(() => {
      if (element.clientHeight === height) return;
      height = element.clientHeight;
      move(latest.current.index, false);
    });
    observer.observe(element);
    height = element.clientHeight;
    move(latest.current.index, false);
    return () => observer.disconnect();
  }, [move]);

  // A list that was begun anew, or an item less: what is shown is where the index says.
  useLayoutEffect(() => {
    const element = box.current;
    if (element && Math.round(element.scrollTop / element.clientHeight) !== index) move(index, false);
  }, [index, move]);

  const onScroll = () => {
    const element = box.current;
    if (!element || element.clientHeight === 0) return;
    const at = Math.round(element.scrollTop / element.clientHeight);
    if (at !== latest.current.index && at < latest.current.ids.length) latest.current.onIndex(at);
    // Behind the last video nothing plays.
    const past = at >= latest.current.ids.length;
    if (past === isPast) return;
    setPast(past);
    if (past) playerOf(latest.current.index).pause();
    else void playerOf(at).play();
  };

  // The three players stand on the video that plays and its neighbours.
  useLayoutEffect(() => {
    const stand = (at: number) => {
      const video = getVideo(ids[at] ?? 0);
      const holder = holders.current.get(at);
      if (!video || !holder) return;
      const player = playerOf(at);
      player.load(video);
      if (player.element.parentElement !== holder) holder.append(player.element);
    };
    for (const player of players) if (player !== active) player.rest();
    stand(index);
    if (ids[index] !== undefined && active.videoId === ids[index]) void active.play();
  }, [ids, index, active]);

  useWatching(active, isPast ? 0 : (ids[index] ?? 0));

  // The neighbours are fetched once the video itself plays: they must not take its bandwidth.
  const mayPreload = hasFrame || hasFailed;
  useEffect(() => {
    if (!mayPreload) return;
    onPlaying();
    for (const at of [index + 1, index - 1]) {
      const video = getVideo(ids[at] ?? 0);
      const holder = holders.current.get(at);
      if (!video || !holder) continue;
      if (video.hls_url) fetchHls();
      const player = playerOf(at);
      player.load(video);
      if (player.element.parentElement !== holder) holder.append(player.element);
    }
  }, [ids, index, mayPreload, onPlaying]);

  useEffect(() => {
    if (index >= ids.length - 4) onNearEnd();
  }, [index, ids.length]);

  useEffect(() => {
    const stopTouch = watchFirstTouch();
    // In another tab nobody watches.
    let wasPlaying = false;
    const onVisibility = () => {
      const player = playerOf(latest.current.index);
      if (document.hidden) {
        wasPlaying = !player.element.paused;
        player.pause();
      } else if (wasPlaying) {
        void player.play();
      }
    };
    document.addEventListener("visibilitychange", onVisibility);
    return () => {
      stopTouch();
      document.removeEventListener("visibilitychange", onVisibility);
      stopMove.current();
      for (const player of players) player.close();
    };
  }, [players]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || anyDialog()) return;
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (target?.closest("input,textarea,select,[contenteditable],[role=slider]")) return;
      const now = latest.current;
      switch (event.key) {
        case "ArrowDown":
        case "PageDown":
          go(1);
          break;
        case "ArrowUp":
        case "PageUp":
          go(-1);
          break;
        case "Home":
          move(0);
          break;
        case "l":
        case "L": {
          const video = getVideo(now.ids[now.index] ?? 0);
          if (video && !event.repeat) void setLiked(video.id, !video.is_liked);
          break;
        }
        case "m":
        case "M":
          if (!event.repeat) toggleSound(event);
          break;
        case "c":
        case "C":
          now.onComments();
          break;
        case " ":
          // On a button or a link the key is that element's.
          if (target?.closest("button,a")) return;
          if (!event.repeat && !unlocked(event)) playerOf(now.index).toggle();
          break;
        default:
          return;
      }
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [move, go]);

  // One video for each turn of the wheel or swipe on a touchpad, which goes on sending events as it runs out.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let lockedUntil = 0;
    let lastTime = 0;
    let lastSize = 0;
    const onWheel = (event: WheelEvent) => {
      if (event.ctrlKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
      event.preventDefault();
      const now = event.timeStamp;
      const size = Math.abs(event.deltaY);
      // A new gesture: after a pause, or faster again than before.
      const isNew = now - lastTime > 150 || size > lastSize * 1.5 + 10;
      lastTime = now;
      lastSize = size;
      if (now < lockedUntil || !isNew || size < 4) return;
      lockedUntil = now + moveMs + 200;
      go(Math.sign(event.deltaY));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [go]);

  return (
    <div class="scroller-frame">
      <div ref={box} class="scroller" onScroll={onScroll} tabIndex={-1} role="region" aria-label={t("feed.list")}>
        {ids.map((id, at) => (
          <section key={id} class="slide" inert={at !== index}>
            {Math.abs(at - index) <= 2 && (
              <Slide
                id={id}
                player={Math.abs(at - index) <= 1 ? playerOf(at) : null}
                isActive={at === index}
                position={at + 1}
                reason={reasonOf?.(id)}
                onComments={onComments}
                holder={(element) => {
                  if (element) holders.current.set(at, element);
                  else holders.current.delete(at);
                }}
              />
            )}
          </section>
        ))}
        <section class="slide slide-after" inert={!isPast}>{after}</section>
      </div>
      <div class="scroller-steps">
        <IconButton label={t("feed.previous")} onClick={() => go(-1)} disabled={index === 0 && !isPast}>
          <UpIcon />
        </IconButton>
        <IconButton label={t("feed.next")} onClick={() => go(1)} disabled={isPast}>
          <DownIcon />
        </IconButton>
      </div>
    </div>
  );
}
