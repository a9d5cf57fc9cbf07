import type Hls from "hls.js";

// hls.js is four times the rest of the client: it is fetched when a video with HLS comes near, after the first frame has been shown.
// Never hls.js/light: the ladder's sound is a group of its own, which that does not play.
let library: typeof Hls | null = null;
let isAsked = false;
// Bits per second, as the video before has found; at first what most connections have, so that the first seconds are not the smallest size.
let bandwidth = 4_000_000;

/** fetchHls loads hls.js, once; videos that start later play by HLS. */
export function fetchHls(): void {
  if (isAsked) return;
  isAsked = true;
  import("hls.js").then(
    (loaded) => {
      if (loaded.default.isSupported()) library = loaded.default;
    },
    () => {
      // Without it the mp4 plays.
      isAsked = false;
    },
  );
}

/** playHls plays a playlist in the element; null when the mp4 has to do. onFailed is called when it cannot go on. */
export function playHls(element: HTMLVideoElement, url: string, onFailed: () => void): (() => void) | null {
  if (!library) return null;
  const Library = library;
  // No worker: it would be made from a blob, which the content security policy refuses.
  const hls = new Library({
    enableWorker: false,
    capLevelToPlayerSize: true,
    maxBufferLength: 15,
    backBufferLength: 30,
    abrEwmaDefaultEstimate: bandwidth,
    testBandwidth: false,
  });
  hls.on(Library.Events.ERROR, (_, problem) => {
    if (problem.fatal) onFailed();
  });
  hls.loadSource(url);
  hls.attachMedia(element);
  return () => {
    if (hls.bandwidthEstimate > 0) bandwidth = hls.bandwidthEstimate;
    hls.destroy();
  };
}
