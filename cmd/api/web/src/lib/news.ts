import { api } from "../api/client";
import { leads } from "./hints";
import { keepUp } from "./keepup";
import { setTitleCount } from "./router";
import { savedPush } from "./saved";
import { setUnread, viewer, type Unread } from "./session";

/** followNews brings hints while somebody is logged in, and keeps the numbers at the navigation up to date; it returns how to stop that. */
export function followNews(): () => void {
  const stopUnread = followUnread();
  let session = 0;
  let stopStream: () => void = () => undefined;
  let isStopped = false;
  // The stream is that of a session: the next one needs a stream of its own.
  const follow = () => {
    const now = viewer.get();
    const next = now.kind === "member" ? now.me.session_id : 0;
    if (next === session) return;
    session = next;
    stopStream();
    stopStream = () => undefined;
    if (session === 0) return;
    if (savedPush()) void import("./push").then(({ keepPush }) => keepPush()).catch(() => undefined);
    import("./stream").then(
      ({ followStream }) => {
        if (session === next && !isStopped) stopStream = followStream();
      },
      // Without it everything is read from time to time.
      () => undefined,
    );
  };
  // A page that is left and may come back holds nothing meanwhile.
  const onHide = () => {
    session = 0;
    stopStream();
    stopStream = () => undefined;
  };
  follow();
  const stopViewer = viewer.subscribe(follow);
  addEventListener("pagehide", onHide);
  addEventListener("pageshow", follow);
  return () => {
    isStopped = true;
    removeEventListener("pagehide", onHide);
    removeEventListener("pageshow", follow);
    stopViewer();
    onHide();
    stopUnread();
  };
}

type Told = Unread & { owner: number };

// What one tab learns of the numbers it tells the others. Of hidden tabs only the leading one asks, for their titles.
function followUnread(): () => void {
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("unread") : null;
  let shown = "";
  const show = () => {
    const now = viewer.get();
    if (now.kind !== "member") {
      shown = "";
      setTitleCount(0);
      return;
    }
    const { unread_conversations, unread_notices } = now.me;
    setTitleCount(unread_conversations + unread_notices);
    const told: Told = { owner: now.me.user.id, unread_conversations, unread_notices };
    const text = JSON.stringify(told);
    if (shown !== "" && shown !== text) channel?.postMessage(told);
    shown = text;
  };
  if (channel) {
    channel.onmessage = ({ data }: MessageEvent<Told>) => {
      const now = viewer.get();
      if (now.kind !== "member" || now.me.user.id !== data.owner) return;
      shown = JSON.stringify(data);
      setUnread({ unread_conversations: data.unread_conversations, unread_notices: data.unread_notices });
    };
  }
  show();
  const stopViewer = viewer.subscribe(show);
  const stop = keepUp(
    async () => {
      if (viewer.get().kind === "member") setUnread(numbersOf(await api.me()));
    },
    { about: (hint) => hint.kind !== "upload", whenHidden: () => leads.get(), pace: (isLive) => (isLive ? 30_000 : 20_000) },
  );
  return () => {
    stop();
    stopViewer();
    channel?.close();
  };
}

const numbersOf = ({ unread_conversations, unread_notices }: Unread): Unread => ({ unread_conversations, unread_notices });
