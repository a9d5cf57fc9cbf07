import type { User, Video } from "../api/types";
import { createStore, useStore, type Store } from "./store";

// Every video and user that was loaded, once: a like or a follow shows wherever the video or user is shown. What an action that is under
// way has changed is kept when an answer from before it comes in.

interface Kept<T> {
  store: Store<T | undefined>;
  /** Changes of actions under way, by name. */
  held: Map<string, (value: T) => T>;
}

class Entities<T extends { id: number }> {
  private readonly all = new Map<number, Kept<T>>();

  entry(id: number): Kept<T> {
    let found = this.all.get(id);
    if (!found) {
      found = { store: createStore<T | undefined>(undefined), held: new Map() };
      this.all.set(id, found);
    }
    return found;
  }

  put(value: T): void {
    const { store, held } = this.entry(value.id);
    let next = value;
    for (const change of held.values()) next = change(next);
    store.set(next);
  }

  patch(id: number, change: (value: T) => T): void {
    this.entry(id).store.update((value) => value && change(value));
  }

  hold(id: number, name: string, change: ((value: T) => T) | null): void {
    const { held } = this.entry(id);
    if (change) held.set(name, change);
    else held.delete(name);
  }
}

const videos = new Entities<Video>();
const users = new Entities<User>();

export const putUser = (user: User): void => users.put(user);
export const getUser = (id: number): User | undefined => users.entry(id).store.get();
export const useUser = (id: number): User | undefined => useStore(users.entry(id).store);
export const patchUser = (id: number, change: (user: User) => User): void => users.patch(id, change);
export const holdUser = (id: number, name: string, change: ((user: User) => User) | null): void => users.hold(id, name, change);

/** epoch grows when another viewer logs in or out: what was loaded before shows what the one before likes and follows. */
export const epoch = createStore(0);
const loadedIn = new Map<number, number>();

/** isStale tells whether a video was loaded for another viewer. */
export const isStale = (id: number): boolean => (loadedIn.get(id) ?? 0) !== epoch.get();

/** putVideo keeps a video and its author. */
export function putVideo(video: Video): void {
  putUser(video.author);
  videos.put(video);
  loadedIn.set(video.id, epoch.get());
}
export const getVideo = (id: number): Video | undefined => videos.entry(id).store.get();
export const useVideo = (id: number): Video | undefined => useStore(videos.entry(id).store);
export const patchVideo = (id: number, change: (video: Video) => Video): void => videos.patch(id, change);
export const holdVideo = (id: number, name: string, change: ((video: Video) => Video) | null): void => videos.hold(id, name, change);

/** putVideos keeps a page of videos and gives their ids. */
export function putVideos(items: Video[]): number[] {
  for (const video of items) putVideo(video);
  return items.map((video) => video.id);
}
export function putUsers(items: User[]): number[] {
  for (const user of items) putUser(user);
  return items.map((user) => user.id);
}
