import { useEffect } from "preact/hooks";
import { getVideo } from "../lib/entities";
import { viewerId } from "../lib/session";
import { beginWatching } from "../lib/watches";
import type { Player } from "./player";

/** The end begins at this share of a video. */
const finishedFrom = 0.95;
/** The player tells of its position a few times a second; a longer silence was no watching, in milliseconds. */
const maxStepMs = 2000;

/** useWatching counts how long a video plays while somebody can see it, and whether its end is reached: each time that it is opened. */
export function useWatching(player: Player, id: number): void {
  useEffect(() => {
    const { element } = player;
    if (id === 0 || player.videoId !== id) return;
    // What authors watch of their own is no view.
    if (getVideo(id)?.author.id === viewerId()) return;
    const watching = beginWatching(id);
    let since: number | null = null;
    let position = element.currentTime;

    const count = () => {
      const now = performance.now();
      const isRunning = !element.paused && !element.seeking && document.visibilityState === "visible" && element.readyState > 2;
      if (since !== null) watching.add(Math.min(now - since, maxStepMs));
      since = isRunning ? now : null;
    };
    // Whether the video has come to its end: mostly it has begun again before anybody is told, so that where it was, and how long ago, count.
    const note = () => {
      const { currentTime, duration } = element;
      const end = duration * finishedFrom;
      const reached = since === null ? position : position + Math.min(performance.now() - since, maxStepMs) / 1000;
      if (currentTime >= end || (currentTime < position && reached >= end)) watching.finish();
      count();
      position = currentTime;
    };
    const events = ["timeupdate", "playing", "pause", "waiting", "seeking", "seeked", "emptied", "ended"] as const;
    for (const name of events) element.addEventListener(name, note);
    document.addEventListener("visibilitychange", note);
    count();
    return () => {
      for (const name of events) element.removeEventListener(name, note);
      document.removeEventListener("visibilitychange", note);
      count();
    };
  }, [player, id]);
}
