import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { createStore } from "./store";

/** PageProps is what a page gets: the parts of the path, decoded, and the query. */
export interface PageProps {
  params: Record<string, string>;
  query: URLSearchParams;
}

/** Route is a page: its path with :names, and the chunk that holds it. */
export interface Route {
  path: string;
  load: () => Promise<{ default: ComponentType<PageProps> }>;
  /** Only for those who are logged in: others are asked to log in in its place. */
  member?: boolean;
  /** The page fills the screen and scrolls by itself, like the feed. */
  full?: boolean;
}

/** Place is where the viewer is. key names the entry of the browser's history. */
export interface Place {
  path: string;
  query: string;
  key: string;
}

interface EntryState {
  key: string;
  /** How many entries of this client lie before it. */
  depth: number;
}

const newKey = (): string => Math.random().toString(36).slice(2, 10);

function read(): Place {
  const state = history.state as EntryState | null;
  const key = state?.key ?? newKey();
  if (!state?.key) history.replaceState({ key, depth: 0 } satisfies EntryState, "");
  return { path: location.pathname, query: location.search, key };
}

/** place follows the address. */
export const place = createStore<Place>(read());

// The state that pages keep per entry of the history, the latest entries only: going back finds it.
const kept = new Map<string, Map<string, unknown>>();
const keptEntries = 30;

const entry = (key: string): Map<string, unknown> => {
  const found = kept.get(key) ?? new Map<string, unknown>();
  kept.delete(key);
  kept.set(key, found);
  for (const oldest of kept.keys()) {
    if (kept.size <= keptEntries) break;
    kept.delete(oldest);
  }
  return found;
};

const scrollName = "scroll";
const keepScroll = (): void => {
  entry(place.get().key).set(scrollName, scrollY);
};

/** start follows the browser's back and forward. */
export function startRouter(): void {
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => {
    keepScroll();
    place.set(read());
  });
}

/** go shows another page of the client. replace keeps the entry of the history and the page's state: for a change of the query. */
export function go(to: string, replace = false): void {
  const url = new URL(to, location.href);
  if (!replace) keepScroll();
  const key = replace ? place.get().key : newKey();
  const address = url.pathname + url.search + url.hash;
  const depth = (history.state as EntryState | null)?.depth ?? 0;
  if (replace) history.replaceState({ key, depth } satisfies EntryState, "", address);
  else history.pushState({ key, depth: depth + 1 } satisfies EntryState, "", address);
  place.set({ path: url.pathname, query: url.search, key });
}

/** back goes back within the client; from a page that was opened directly it goes home. */
export function back(): void {
  if (((history.state as EntryState | null)?.depth ?? 0) > 0) history.back();
  else go("/", true);
}

/** scrollOf is where an entry was scrolled to when it was left. */
export const scrollOf = (key: string): number => (entry(key).get(scrollName) as number | undefined) ?? 0;

/** useKept is useState that survives going to another page and coming back; with null for a name it is useState. */
export function useKept<T>(name: string | null, initial: T | (() => T)): [T, (change: T | ((value: T) => T)) => void] {
  // The entry in which the component was made: the address may have moved on when it sets its last state.
  const [key] = useState(() => place.get().key);
  const latest = useRef<T | undefined>(undefined);
  const [value, setValue] = useState<T>(() => {
    if (name !== null && entry(key).has(name)) return (latest.current = entry(key).get(name) as T);
    const first = typeof initial === "function" ? (initial as () => T)() : initial;
    if (name !== null) entry(key).set(name, first);
    latest.current = first;
    return first;
  });
  const [set] = useState(() => (change: T | ((value: T) => T)) => {
    const next = typeof change === "function" ? (change as (value: T) => T)(latest.current as T) : change;
    if (name !== null) entry(key).set(name, next);
    latest.current = next;
    setValue(() => next);
  });
  return [value, set];
}

/** match finds the route of a path and decodes the path's parts. */
export function match(routes: Route[], path: string): { route: Route; params: Record<string, string> } | null {
  for (const route of routes) {
    const names: string[] = [];
    const pattern = route.path.replace(/:(\w+)/g, (_, name: string) => {
      names.push(name);
      return "([^/]+)";
    });
    const found = new RegExp(`^${pattern}/?$`).exec(path);
    if (!found) continue;
    try {
      return { route, params: Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1] ?? "")])) };
    } catch {
      // Not a valid encoding: no page has that address.
      return null;
    }
  }
  return null;
}

/** followLinks lets plain links within the client change the page without loading it anew; returns how to stop. */
export function followLinks(isPage: (path: string) => boolean): () => void {
  const onClick = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin || !isPage(link.pathname)) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    const same = link.pathname + link.search === location.pathname + location.search;
    go(link.pathname + link.search, same);
    if (same) dispatchEvent(new Event("again"));
  };
  document.addEventListener("click", onClick);
  return () => document.removeEventListener("click", onClick);
}

/** useAgain calls back when the link to the page that is open is followed: the page goes to its top. */
export function useAgain(listener: () => void): void {
  useEffect(() => {
    addEventListener("again", listener);
    return () => removeEventListener("again", listener);
  }, [listener]);
}

let title = "";
let titleCount = 0;
const showTitle = (): void => {
  document.title = `${titleCount > 0 ? `(${titleCount > 99 ? "99+" : titleCount}) ` : ""}${title ? `${title} · tiktok` : "tiktok"}`;
};

/** useTitle sets the document's title. */
export function useTitle(text: string): void {
  useEffect(() => {
    title = text;
    showTitle();
  }, [text]);
}

/** setTitleCount is the number before every title: how much is unread. */
export function setTitleCount(n: number): void {
  if (n === titleCount) return;
  titleCount = n;
  showTitle();
}
