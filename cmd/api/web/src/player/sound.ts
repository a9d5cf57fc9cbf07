import { saveSound, savedSound } from "../lib/saved";
import { createStore, useStore } from "../lib/store";

// Browsers play with sound only after the viewer has touched the page: until then videos are muted, whatever was chosen.
interface Sound {
  isWanted: boolean;
  isAllowed: boolean;
}

export const sound = createStore<Sound>({ isWanted: savedSound(), isAllowed: false });

let unlockedBy: Event | null = null;

/** isMuted is how videos play now; isLocked tells that they would have sound if the viewer touched the page. */
export const isMuted = (now: Sound): boolean => !now.isWanted || !now.isAllowed;
export const isLocked = (now: Sound): boolean => now.isWanted && !now.isAllowed;
export const useSound = (): Sound => useStore(sound);

/** toggleSound turns the sound on or off and remembers it. */
export function toggleSound(event?: Event): void {
  // The touch that has just brought the sound was meant to.
  if (event && unlocked(event)) return;
  const isWanted = isMuted(sound.get());
  saveSound(isWanted);
  sound.set({ isWanted, isAllowed: true });
}

/** unlocked tells whether this event was the first touch, which turned the sound on. */
export const unlocked = (event: Event): boolean => event === unlockedBy;

/** lockSound is for a browser that has refused to play with sound. */
export const lockSound = (): void => sound.update((now) => ({ ...now, isAllowed: false }));

/** watchFirstTouch turns the sound on at the viewer's first tap or key; returns how to stop. */
export function watchFirstTouch(): () => void {
  const unlock = (event: Event) => {
    const now = sound.get();
    if (now.isAllowed) return;
    if (now.isWanted) unlockedBy = event;
    sound.set({ ...now, isAllowed: true });
  };
  document.addEventListener("click", unlock, true);
  document.addEventListener("keydown", unlock, true);
  return () => {
    document.removeEventListener("click", unlock, true);
    document.removeEventListener("keydown", unlock, true);
  };
}
