import { useState } from "preact/hooks";
import { api } from "../api/client";
import { LoginCancelled, errorText } from "../api/error";
import type { HistoryItem } from "../api/types";
import { putVideo, useVideo } from "../lib/entities";
import { useList } from "../lib/hooks";
import { ago, dateTime, day, duration, t } from "../lib/i18n";
import { useTitle } from "../lib/router";
import { toast } from "../lib/toasts";
import { sendWatches } from "../lib/watches";
import { displayName, profilePath } from "../ui/avatar";
import { Button, IconButton } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { CheckIcon, ClockIcon, CloseIcon } from "../ui/icons";
import { Title } from "../ui/rich";
import { Empty, ListEnd, Skeleton } from "../ui/states";

/** Seen is a video in the history. */
type Seen = Omit<HistoryItem, "video"> & { id: number };

/** History is the page of what the viewer has watched, by day, the last first. */
export default function History() {
  useTitle(t("nav.history"));
  const list = useList<Seen>(
    "history",
    async (cursor) => {
      // What was watched a moment ago is the first of it.
      if (!cursor) await sendWatches();
      const { items, next_cursor } = await api.history(cursor);
      const seen = items.map(({ video, ...rest }) => {
        putVideo(video);
        return { id: video.id, ...rest };
      });
      return { items: seen, next_cursor };
    },
    ({ id }) => id,
  );
  const [asks, ask] = useState(false);
  const { items, change } = list;

  const clear = async () => {
    try {
      await api.deleteHistory();
      change(() => []);
      list.refresh();
      toast(t("history.cleared"), "success");
    } catch (error) {
      if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
      throw error;
    }
  };
  const remove = async (id: number) => {
    const before = items;
    change((all) => all.filter((one) => one.id !== id));
    try {
      await api.deleteHistoryItem(id);
    } catch (error) {
      // Back to where it was.
      change((now) => before.filter((one) => one.id === id || now.some((other) => other.id === one.id)));
      if (!(error instanceof LoginCancelled)) toast(errorText(error), "error");
    }
  };

  const days: [string, Seen[]][] = [];
  for (const one of items) {
    const name = day(one.watched_at);
    const last = days.at(-1);
    if (last?.[0] === name) last[1].push(one);
    else days.push([name, [one]]);
  }
  return (
    <div class="page history">
      <header class="page-head">
        <h1 class="page-title">{t("nav.history")}</h1>
        {items.length > 0 && <Button onClick={() => ask(true)}>{t("history.clear")}</Button>}
      </header>
      {list.isEnd && items.length === 0 && (
        <Empty icon={<ClockIcon size={40} />} title={t("history.empty")} text={t("history.empty.text")}>
          <a class="button button-primary button-medium" href="/">
            {t("action.home")}
          </a>
        </Empty>
      )}
      {days.map(([name, seen]) => (
        <section key={name} aria-label={name}>
          <h2 class="history-day">{name}</h2>
          <ul>
            {seen.map((one) => (
              <Row key={one.id} seen={one} onRemove={() => void remove(one.id)} />
            ))}
          </ul>
        </section>
      ))}
      <ListEnd list={list} skeleton={items.length === 0 ? <HistorySkeletons /> : undefined} />
      {asks && (
        <Confirm
          title={t("history.clear.ask")}
          text={t("history.clear.text")}
          action={t("history.clear.do")}
          onConfirm={clear}
          onClose={() => ask(false)}
        />
      )}
    </div>
  );
}

function Row({ seen, onRemove }: { seen: Seen; onRemove: () => void }) {
  const video = useVideo(seen.id);
  if (!video) return null;
  const { author } = video;
  const share = video.duration_ms > 0 ? Math.min(1, seen.watched_ms / video.duration_ms) : 0;
  return (
    <li class="history-row">
      <a class="history-cover" href={`/v/${seen.id}`}>
        <span class="visually-hidden">{t("video.by", { title: video.title, name: displayName(author) })}</span>
        <img src={video.cover_url} alt="" loading="lazy" decoding="async" />
        <span class="history-length" aria-hidden="true">{duration(video.duration_ms)}</span>
        <span class="history-share" style={{ width: `${100 * (seen.is_finished ? 1 : share)}%` }} />
      </a>
      <div class="history-words">
        <p class="history-title">
          <Title text={video.title} mentions={video.mentions} />
        </p>
        <p class="muted history-small">
          {author.is_deleted ? displayName(author) : <a href={profilePath(author)}>@{author.name}</a>}
          {" · "}
          <time dateTime={seen.watched_at} title={dateTime(seen.watched_at)}>
            {ago(seen.watched_at)}
          </time>
        </p>
        <p class="muted history-small history-state">
          {seen.is_finished ? (
            <>
              <CheckIcon size={16} />
              {t("history.finished")}
            </>
          ) : (
            t("history.watched", { watched: duration(seen.watched_ms), length: duration(video.duration_ms) })
          )}
        </p>
      </div>
      <IconButton label={t("history.remove", { title: video.title })} onClick={onRemove}>
        <CloseIcon size={20} />
      </IconButton>
    </li>
  );
}

function HistorySkeletons() {
  return (
    <div role="status">
      <span class="visually-hidden">{t("state.loading")}</span>
      {[0, 1, 2, 3].map((n) => (
        <div key={n} class="history-row">
          <Skeleton class="history-cover" />
          <div class="history-words">
            <Skeleton class="skeleton-line" />
            <Skeleton class="skeleton-line skeleton-short" />
          </div>
        </div>
      ))}
    </div>
  );
}
