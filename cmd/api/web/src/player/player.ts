import type { Video } from "../api/types";
import { createStore } from "../lib/store";
import { playHls } from "./hls";
import { isMuted, lockSound, sound } from "./sound";

/** Playback is what a player shows of itself. */
export interface Playback {
  /** The first frame is there: the cover may go. */
  hasFrame: boolean;
  isPaused: boolean;
  /** It should play and waits for data. */
  isWaiting: boolean;
  hasFailed: boolean;
}

const maxTries = 3;

const fresh: Playback = { hasFrame: false, isPaused: true, isWaiting: false, hasFailed: false };

/** Player is one of the three <video> elements that all videos share. */
export class Player {
  readonly element = document.createElement("video");
  readonly state = createStore<Playback>(fresh);
  /** The video that it holds, 0: none. */
  videoId = 0;
  private shouldPlay = false;
  private stopHls: (() => void) | null = null;
  private url = "";
  /** How often this video was tried again by itself. */
  private tries = 0;
  private readonly unsubscribe: () => void;

  constructor() {
    const { element } = this;
    element.playsInline = true;
    element.loop = true;
    element.defaultMuted = true;
    element.muted = isMuted(sound.get());
    element.className = "player-video";
    element.disableRemotePlayback = true;
    // The whole slide is the control; the element itself is nothing to stop at.
    element.tabIndex = -1;
    const note = (change: Partial<Playback>) => () => this.note(change);
    element.addEventListener("loadeddata", note({ hasFrame: true, hasFailed: false }));
    element.addEventListener("playing", note({ hasFrame: true, isPaused: false, isWaiting: false, hasFailed: false }));
    element.addEventListener("play", note({ isPaused: false }));
    element.addEventListener("pause", note({ isPaused: true, isWaiting: false }));
    element.addEventListener("waiting", note({ isWaiting: true }));
    element.addEventListener("error", () => {
      if (this.url && !this.stopHls) this.note({ hasFailed: true, isWaiting: false });
    });
    this.unsubscribe = sound.subscribe(() => this.applySound());
  }

  private note(change: Partial<Playback>): void {
    this.state.update((now) => ({ ...now, ...change }));
  }

  /** load gives the player a video, in the place of another. */
  load(video: Video): void {
    if (this.videoId === video.id) return;
    this.unload();
    this.videoId = video.id;
    this.url = video.play_url;
    this.element.preload = "auto";
    if (video.hls_url) {
      this.stopHls = playHls(this.element, video.hls_url, () => {
        this.stopHls?.();
        this.stopHls = null;
        this.start();
      });
    }
    if (!this.stopHls) this.start();
  }

  // Plays the mp4.
  private start(): void {
    this.element.src = this.url;
    if (this.shouldPlay) void this.play();
  }

  /** mayRetry counts: a video that fails again and again is not tried for ever. */
  mayRetry(): boolean {
    return ++this.tries <= maxTries;
  }

  /** reload tries again after a failure, from where it was; url is the file's address now. */
  reload(url: string): void {
    const { element } = this;
    const at = element.currentTime;
    this.url = url;
    this.note({ hasFailed: false, isWaiting: true });
    this.start();
    if (at > 0) element.addEventListener("loadedmetadata", () => (element.currentTime = at), { once: true });
  }

  async play(): Promise<void> {
    this.shouldPlay = true;
    if (this.state.get().hasFailed) return;
    this.applySound();
    try {
      await this.element.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || !this.shouldPlay) return;
      // Not with sound, then without.
      if (!this.element.muted) {
        lockSound();
        await this.element.play().catch(() => this.note({ isPaused: true }));
      } else {
        this.note({ isPaused: true });
      }
    }
  }

  pause(): void {
    this.shouldPlay = false;
    this.element.pause();
  }

  toggle(): void {
    if (this.element.paused) void this.play();
    else this.pause();
  }

  /** rest pauses and goes to the beginning: for the neighbours of the video that plays. */
  rest(): void {
    this.pause();
    if (this.element.currentTime > 0) this.element.currentTime = 0;
  }

  private applySound(): void {
    this.element.muted = isMuted(sound.get());
  }

  private unload(): void {
    this.shouldPlay = false;
    this.stopHls?.();
    this.stopHls = null;
    this.url = "";
    this.tries = 0;
    this.videoId = 0;
    this.element.removeAttribute("src");
    // Frees the buffers and the connection.
    this.element.load();
    this.state.set(fresh);
  }

  /** close ends it for good. */
  close(): void {
    this.unload();
    this.unsubscribe();
    this.element.remove();
  }
}
