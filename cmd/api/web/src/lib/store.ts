import { useLayoutEffect, useReducer, useRef } from "preact/hooks";

/** Store is a value that components can follow. */
export interface Store<T> {
  get(): T;
  set(value: T): void;
  /** update replaces the value by what change makes of it. */
  update(change: (value: T) => T): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial;
  const listeners = new Set<() => void>();
  const store: Store<T> = {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
    update: (change) => store.set(change(value)),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return store;
}

/** useStore is the store's value; the component renders again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [, render] = useReducer<number, void>((n) => n + 1, 0);
  const value = store.get();
  const seen = useRef(value);
  seen.current = value;
  useLayoutEffect(() => {
    const check = () => {
      if (!Object.is(store.get(), seen.current)) render();
    };
    // It may have changed between rendering and now.
    check();
    return store.subscribe(check);
  }, [store]);
  return value;
}
