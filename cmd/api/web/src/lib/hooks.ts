import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Page } from "../api/types";
import { onReconnect } from "./connection";
import { useKept } from "./router";

/** useMedia tells whether a media query holds. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const update = () => setHolds(list.matches);
    update();
    list.addEventListener("change", update);
    return () => list.removeEventListener("change", update);
  }, [query]);
  return holds;
}

/** useDesktop: there is room for the navigation and panels beside the content. The same width is in tokens.css. */
export const useDesktop = (): boolean => useMedia("(min-width: 900px)");

/** useLatest is a reference to the latest value: for listeners that are set once. */
export function useLatest<T>(value: T): { current: T } {
  const latest = useRef(value);
  useLayoutEffect(() => {
    latest.current = value;
  });
  return latest;
}

/** Loaded is the state of something that is fetched. */
export interface Loaded<T> {
  value: T | undefined;
  error: unknown;
  isLoading: boolean;
  reload: () => void;
}

/**
 * useLoad fetches when deps change and keeps the value while it fetches again. An error is tried again when the connection comes back.
 * It is kept for going back.
 */
export function useLoad<T>(name: string, fetch: () => Promise<T>, deps: unknown[]): Loaded<T> {
  const [value, setValue] = useKept<T | undefined>(`load ${name}`, undefined);
  const [error, setError] = useState<unknown>(null);
  const [isLoading, setLoading] = useState(value === undefined);
  const [round, setRound] = useState(0);
  const latest = useLatest(fetch);
  useEffect(() => {
    let isCurrent = true;
    setLoading(true);
    latest.current().then(
      (got) => {
        if (!isCurrent) return;
        setValue(got);
        setError(null);
        setLoading(false);
      },
      (failed: unknown) => {
        if (!isCurrent) return;
        setError(failed);
        setLoading(false);
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [...deps, round]);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  useEffect(() => (error ? onReconnect(reload) : undefined), [error, reload]);
  return { value, error, isLoading, reload };
}

/** List is a list that is fetched page by page. */
export interface List<T> {
  items: T[];
  isLoading: boolean;
  isEnd: boolean;
  error: unknown;
  /** more fetches the next page, unless that is under way or the list is at its end. */
  more: () => void;
  /** refresh begins anew; what is shown stays until the first page is there. */
  refresh: () => void;
  /** change edits the items: for what the viewer adds or takes away. */
  change: (edit: (items: T[]) => T[]) => void;
}

interface ListState<T> {
  items: T[];
  cursor: string;
  isEnd: boolean;
}

/**
 * useList fetches a list by its cursor. The first page is fetched at once; the list is kept for going back. name tells the lists of a page
 * apart; a component that shows another list than before needs another key. null: a list that is not kept.
 */
export function useList<T>(
  name: string | null,
  fetch: (cursor: string | undefined) => Promise<Page<T>>,
  keyOf: (item: T) => unknown,
): List<T> {
  const [state, setState] = useKept<ListState<T>>(name === null ? null : `list ${name}`, { items: [], cursor: "", isEnd: false });
  const [isLoading, setLoading] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const round = useRef(0);
  const busy = useRef(false);
  // Changes made while a first page is on its way hold for that page, too.
  const edits = useRef<((items: T[]) => T[])[]>([]);
  const latest = useLatest({ fetch, state, keyOf });

  const load = useCallback((fresh: boolean) => {
    const { state: now } = latest.current;
    if (!fresh && (busy.current || now.isEnd)) return;
    // A fetch that is overtaken by a refresh is ignored.
    const mine = ++round.current;
    busy.current = true;
    edits.current = [];
    setLoading(true);
    latest.current.fetch(fresh ? undefined : now.cursor || undefined).then(
      (page) => {
        if (round.current !== mine) return;
        busy.current = false;
        setState((old) => {
          const all = fresh ? edits.current.reduce((items, edit) => edit(items), page.items) : [...old.items, ...page.items];
          // An item that moved between two pages, or was added meanwhile, must not be there twice.
          const items = [...new Map(all.map((item) => [latest.current.keyOf(item), item])).values()];
          return { items, cursor: page.next_cursor, isEnd: page.next_cursor === "" };
        });
        setError(null);
        setLoading(false);
      },
      (failed: unknown) => {
        if (round.current !== mine) return;
        busy.current = false;
        setError(failed);
        setLoading(false);
      },
    );
  }, []);

  useEffect(() => {
    if (latest.current.state.items.length === 0 && !latest.current.state.isEnd) load(true);
    return () => {
      round.current++;
      busy.current = false;
    };
  }, [load]);
  const more = useCallback(() => load(false), [load]);
  const refresh = useCallback(() => load(true), [load]);
  const change = useCallback((edit: (items: T[]) => T[]) => {
    if (busy.current) edits.current.push(edit);
    setState((old) => ({ ...old, items: edit(old.items) }));
  }, []);
  useEffect(() => (error ? onReconnect(more) : undefined), [error, more]);
  return {
    items: state.items,
    isLoading: isLoading || (state.items.length === 0 && !state.isEnd && !error),
    isEnd: state.isEnd,
    error,
    more,
    refresh,
    change,
  };
}

/** useVisible calls back whenever the element comes near the visible part: the end of a list asks for more. */
export function useVisible<E extends Element>(onVisible: () => void, margin = "600px"): { current: E | null } {
  const element = useRef<E>(null);
  const latest = useLatest(onVisible);
  useEffect(() => {
    const target = element.current;
    if (!target) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && latest.current(), {
      rootMargin: margin,
    });
    observer.observe(target);
    return () => observer.disconnect();
  });
  return element;
}
