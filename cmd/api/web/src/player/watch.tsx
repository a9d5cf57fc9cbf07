import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
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
  async () => (await import("./comments")).Comments,
  () => <Spinner />,
);

interface WatchProps {
  ids: number[];
  index: number;
  onIndex: (index: number) => void;
  onNearEnd: () => void;
  after: ComponentChildren;
}

/** Watch is the screen on which videos play: the videos, and the comments in a sheet on the phone, beside them on the desktop. */
export function Watch(props: WatchProps) {
  const desktop = useDesktop();
  const [isOpen, setOpen] = useState(false);
  const id = props.ids[props.index] ?? 0;
  const onPlaying = useCallback(() => void Comments.load(), []);
  const toggle = () => setOpen((open) => !open);
  // The sheet belongs to the video under it.
  useEffect(() => {
    if (!desktop) setOpen(false);
  }, [id, desktop]);
  return (
    <div class={`watch${isOpen && desktop ? " watch-with-panel" : ""}`}>
      <Scroller {...props} onComments={toggle} onPlaying={onPlaying} />
      {isOpen && desktop && <Panel key={id} id={id} onClose={toggle} />}
      {isOpen && !desktop && <Sheet id={id} onClose={toggle} />}
    </div>
  );
}

function useTitleOf(id: number): string {
  const video = useVideo(id);
  return video ? tn("video.comments", video.comment_count) : t("comments.title");
}

function Panel({ id, onClose }: { id: number; onClose: () => void }) {
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
      <Comments videoId={id} />
    </aside>
  );
}

function Sheet({ id, onClose }: { id: number; onClose: () => void }) {
  return (
    <Dialog look="sheet" title={useTitleOf(id)} onClose={onClose}>
      <Comments videoId={id} />
    </Dialog>
  );
}
