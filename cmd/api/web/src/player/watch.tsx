import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { FeedReason } from "../api/types";
import type { Pointed } from "../comments/comments";
import { useVideo } from "../lib/entities";
import { useDesktop, useLatest } from "../lib/hooks";
import { t, tn } from "../lib/i18n";
import { lazy } from "../lib/lazy";
import { Dialog, anyDialog } from "../ui/dialog";
import { IconButton } from "../ui/button";
import { CloseIcon } from "../ui/icons";
import { Spinner } from "../ui/states";
import { Scroller } from "./scroller";

// What is not needed for the first frame is fetched after it.
const Comments = lazy(
  async () => (await import("../comments/comments")).Comments,
  () => <Spinner />,
);

interface WatchProps {
  ids: number[];
  index: number;
  onIndex: (index: number) => void;
  onNearEnd: () => void;
  after: ComponentChildren;
  /** Why the feed shows a video, if it says so. */
  reasonOf?: (id: number) => FeedReason | undefined;
  /** A comment of the first video that a link points to: the comments are open from the beginning. */
  pointed?: Pointed | undefined;
}

/** Watch is the screen on which videos play: the videos, and the comments in a sheet on the phone, beside them on the desktop. */
export function Watch({ pointed, ...props }: WatchProps) {
  const desktop = useDesktop();
  const [isOpen, setOpen] = useState(pointed !== undefined);
  const id = props.ids[props.index] ?? 0;
  const [first] = useState(id);
  const at = id === first ? pointed : undefined;
  const onPlaying = useCallback(() => void Comments.load(), []);
  const toggle = () => setOpen((open) => !open);
  // The sheet belongs to the video under it.
  const shown = useRef(`${id} ${desktop}`);
  useEffect(() => {
    if (shown.current === `${id} ${desktop}`) return;
    shown.current = `${id} ${desktop}`;
    if (!desktop) setOpen(false);
  }, [id, desktop]);
  return (
    <div class={`watch${isOpen && desktop ? " watch-with-panel" : ""}`}>
      <Scroller {...props} onComments={toggle} onPlaying={onPlaying} />
      {isOpen && desktop && <Panel key={id} id={id} pointed={at} onClose={toggle} />}
      {isOpen && !desktop && <Sheet id={id} pointed={at} onClose={toggle} />}
    </div>
  );
}

function useTitleOf(id: number): string {
  const video = useVideo(id);
  return video ? tn("video.comments", video.comment_count) : t("comments.title");
}

interface SheetProps {
  id: number;
  pointed: Pointed | undefined;
  onClose: () => void;
}

function Panel({ id, pointed, onClose }: SheetProps) {
  const title = useTitleOf(id);
  const close = useLatest(onClose);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !anyDialog()) close.current();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <aside class="panel" aria-label={t("comments.title")}>
      <header class="panel-head">
        <h2 class="panel-title">{title}</h2>
        <IconButton label={t("action.close")} onClick={onClose}>
          <CloseIcon />
        </IconButton>
      </header>
      <Comments videoId={id} pointed={pointed} />
    </aside>
  );
}

function Sheet({ id, pointed, onClose }: SheetProps) {
  return (
    <Dialog look="sheet" title={useTitleOf(id)} onClose={onClose}>
      <Comments videoId={id} pointed={pointed} />
    </Dialog>
  );
}
