import { api } from "../api/client";
import { LoginCancelled, errorText } from "../api/error";
import { getUser, getVideo, holdUser, holdVideo, patchUser, patchVideo } from "./entities";
import { t } from "./i18n";
import { requireLogin, viewerId } from "./session";
import { toast } from "./toasts";

interface Switch {
  wanted: boolean;
  running: boolean;
}
const switches = new Map<string, Switch>();

/**
 * turn turns a switch: shows its new position at once, sends it, and goes back when that fails. One request at a time for a switch; when it
 * was turned meanwhile, the latest position is sent next.
 */
export async function turn(
  key: string,
  from: boolean,
  to: boolean,
  show: (on: boolean, settled: boolean) => void,
  send: (on: boolean) => Promise<void>,
): Promise<void> {
  const state = switches.get(key) ?? { wanted: from, running: false };
  switches.set(key, state);
  state.wanted = to;
  show(to, false);
  if (state.running) return;
  state.running = true;
  let confirmed = from;
  while (state.wanted !== confirmed) {
    const target = state.wanted;
    try {
      await send(target);
      confirmed = target;
    } catch (error) {
      if (state.wanted !== target) continue;
      state.wanted = confirmed;
      if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
    }
  }
  switches.delete(key);
  show(confirmed, true);
}

const step = (count: number, on: boolean): number => Math.max(0, count + (on ? 1 : -1));

/** setLiked likes a video or takes the like back. */
export async function setLiked(id: number, liked: boolean): Promise<void> {
  if (!(await requireLogin())) return;
  const video = getVideo(id);
  if (!video || video.is_liked === liked) return;
  const me = viewerId();
  await turn(
    `like ${id}`,
    video.is_liked,
    liked,
    (on, settled) => {
      const change = <V extends { is_liked: boolean; like_count: number }>(v: V): V =>
        v.is_liked === on ? v : { ...v, is_liked: on, like_count: step(v.like_count, on) };
      if (getVideo(id)?.is_liked !== on && me) patchUser(me, (u) => ({ ...u, like_count: step(u.like_count, on) }));
      patchVideo(id, change);
      holdVideo(id, "like", settled ? null : change);
    },
    (on) => (on ? api.like(id) : api.unlike(id)),
  );
}

/** setFollowed follows a user or stops following. */
export async function setFollowed(id: number, followed: boolean): Promise<void> {
  if (!(await requireLogin())) return;
  const user = getUser(id);
  const me = viewerId();
  if (!user || user.is_followed === followed || id === me) return;
  await turn(
    `follow ${id}`,
    user.is_followed,
    followed,
    (on, settled) => {
      const change = <U extends { is_followed: boolean; follower_count: number }>(u: U): U =>
        u.is_followed === on ? u : { ...u, is_followed: on, follower_count: step(u.follower_count, on) };
      if (getUser(id)?.is_followed !== on && me) patchUser(me, (u) => ({ ...u, following_count: step(u.following_count, on) }));
      patchUser(id, change);
      holdUser(id, "follow", settled ? null : change);
    },
    (on) => (on ? api.follow(id) : api.unfollow(id)),
  );
}

/** share hands the link of a video to the device's share sheet, or copies it. */
export async function share(path: string, title: string): Promise<void> {
  const url = new URL(path, location.origin).href;
  // On a desktop the system's sheet is in the way: there the link is what people want.
  if ("share" in navigator && matchMedia("(pointer: coarse)").matches) {
    try {
      await navigator.share({ title, url });
      return;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
    }
  }
  if (await copy(url)) toast(t("share.copied"), "success");
  else prompt(t("share.copy"), url);
}

// The clipboard API exists on https and localhost only; the old command works everywhere else.
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "off-screen";
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}
