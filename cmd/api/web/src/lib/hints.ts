import type { Hint } from "../api/types";
import { createStore } from "./store";

/** live tells whether hints come in: then nobody has to ask again and again. */
export const live = createStore(false);

/** leads tells whether this tab holds the stream of hints for all tabs. */
export const leads = createStore(false);

const listeners = new Set<(hint: Hint) => void>();

/** giveHint hands a hint to those who wait for it. */
export function giveHint(hint: Hint): void {
  for (const listener of [...listeners]) listener(hint);
}

/** onHint calls back for each hint; it returns how to stop that. */
export function onHint(listener: (hint: Hint) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
