import { useState } from "preact/hooks";
import { api } from "../api/client";
import type { DayStatistics, VideoStatistics } from "../api/types";
import { putVideo, useVideo } from "../lib/entities";
import { useList, useLoad } from "../lib/hooks";
import { dayOf, duration, number, percent, t, tn } from "../lib/i18n";
import { useKept, useTitle } from "../lib/router";
import { Plot } from "../statistics/plot";
import { ChartIcon, VideoIcon } from "../ui/icons";
import { Title } from "../ui/rich";
import { Empty, Failed, ListEnd, Skeleton } from "../ui/states";

const ranges = [7, 28, 90] as const;

/** measures are what is counted by day. */
const measures = [
  ["views", "view_count"],
  ["finishes", "finish_count"],
  ["likes", "like_count"],
  ["followers", "follower_count"],
] as const;

/** Statistics is the page of how the viewer's videos do: by day, and each of them. */
export default function Statistics() {
  useTitle(t("nav.statistics"));
  const [range, setRange] = useKept<number>("range", 28);
  const loaded = useLoad("days", async () => ({ range, days: (await api.statistics(range)).days }), [range]);
  const days = loaded.value?.range === range ? loaded.value.days : null;
  return (
    <div class="page page-wide statistics">
      <header class="page-head">
        <h1 class="page-title">{t("nav.statistics")}</h1>
        <div class="segments" role="group" aria-label={t("statistics.range")}>
          {ranges.map((n) => (
            <button key={n} type="button" class="segment" aria-pressed={n === range} onClick={() => setRange(n)}>
              {tn("statistics.days", n)}
            </button>
          ))}
        </div>
      </header>
      {days ? (
        <Days days={days} />
      ) : loaded.error ? (
        <Failed error={loaded.error} retry={loaded.reload} />
      ) : (
        <div class="plots" role="status">
          <span class="visually-hidden">{t("state.loading")}</span>
          {measures.map(([name]) => (
            <Skeleton key={name} class="plot-skeleton" />
          ))}
        </div>
      )}
      <Videos />
    </div>
  );
}

function Days({ days }: { days: DayStatistics[] }) {
  // The day that is pointed at, in all plots; null: none.
  const [at, setAt] = useState<number | null>(null);
  return (
    <>
      <div class="plots">
        {measures.map(([name, field]) => (
          <Plot
            key={name}
            title={t(`statistics.${name}`)}
            days={days.map(({ date }) => date)}
            values={days.map((one) => one[field])}
            at={at !== null && at < days.length ? at : null}
            onAt={setAt}
          />
        ))}
      </div>
      <details class="statistics-table">
        <summary>{t("statistics.table")}</summary>
        <div class="table-frame" tabIndex={0} role="region" aria-label={t("statistics.table")}>
          <table class="table">
            <thead>
              <tr>
                <th scope="col">{t("statistics.day")}</th>
                {measures.map(([name]) => (
                  <th key={name} scope="col">
                    {t(`statistics.${name}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {[...days].reverse().map((one) => (
                <tr key={one.date}>
                  <th scope="row">
                    <time dateTime={one.date}>{dayOf(one.date)}</time>
                  </th>
                  {measures.map(([name, field]) => (
                    <td key={name}>{number(one[field])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
      <p class="muted statistics-note">{t("statistics.note")}</p>
    </>
  );
}

/** Row is a video in the table. */
type Row = Omit<VideoStatistics, "video"> & { id: number };

function Videos() {
  const list = useList<Row>(
    "videos",
    async (cursor) => {
      const { items, next_cursor } = await api.videoStatistics(cursor);
      const rows = items.map(({ video, ...rest }) => {
        putVideo(video);
        return { id: video.id, ...rest };
      });
      return { items: rows, next_cursor };
    },
    ({ id }) => id,
  );
  if (list.isEnd && list.items.length === 0) {
    return (
      <Empty icon={<VideoIcon size={40} />} title={t("profile.videos.empty.own")} text={t("profile.videos.empty.own.text")}>
        <a class="button button-primary button-medium" href="/upload">
          {t("nav.upload")}
        </a>
      </Empty>
    );
  }
  return (
    <section aria-labelledby="statistics-videos">
      <h2 id="statistics-videos" class="statistics-heading">
        <ChartIcon size={22} />
        {t("statistics.videos")}
      </h2>
      {list.items.length > 0 && (
        <table class="table table-videos">
          <thead>
            <tr>
              <th scope="col">{t("statistics.video")}</th>
              <th scope="col">{t("statistics.views")}</th>
              <th scope="col">{t("statistics.finished")}</th>
              <th scope="col">{t("statistics.average")}</th>
            </tr>
          </thead>
          <tbody>
            {list.items.map((row) => (
              <VideoRow key={row.id} row={row} />
            ))}
          </tbody>
        </table>
      )}
      <ListEnd list={list} />
    </section>
  );
}

function VideoRow({ row }: { row: Row }) {
  const video = useVideo(row.id);
  if (!video) return null;
  const isWatched = row.view_count > 0;
  return (
    <tr>
      <th scope="row">
        <div class="table-video">
          <a href={`/v/${row.id}`} aria-label={video.title}>
            <img class="table-cover" src={video.cover_url} alt="" loading="lazy" decoding="async" />
          </a>
          <span class="table-title">
            <Title text={video.title} mentions={video.mentions} />
          </span>
        </div>
      </th>
      <td>{number(row.view_count)}</td>
      <td>{isWatched ? percent(Math.min(1, row.finish_count / row.view_count)) : "–"}</td>
      <td>
        {isWatched ? duration(row.average_watched_ms) : "–"}
        {isWatched && <span class="muted table-length"> / {duration(video.duration_ms)}</span>}
      </td>
    </tr>
  );
}
