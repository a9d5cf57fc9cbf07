-- +goose Up
-- No two videos share a publish time: it is the cursor of the feed on its own.
CREATE TABLE videos (
    id              INTEGER PRIMARY KEY,
    author_id       INTEGER NOT NULL,
    title           TEXT NOT NULL,
    play_key        TEXT NOT NULL,
    cover_key       TEXT NOT NULL,
    published_at_ms INTEGER NOT NULL,
    duration_ms     INTEGER NOT NULL,
    size_bytes      INTEGER NOT NULL,
    width_px        INTEGER NOT NULL,
    height_px       INTEGER NOT NULL
);
CREATE UNIQUE INDEX videos_feed ON videos (published_at_ms);
CREATE INDEX videos_author ON videos (author_id, published_at_ms);

-- One row: the latest publish time.
CREATE TABLE publish_clock (
    id      INTEGER PRIMARY KEY,
    last_ms INTEGER NOT NULL
);

-- One row for each user who ever published. work_count equals the number of the author's videos.
CREATE TABLE author_stats (
    author_id  INTEGER PRIMARY KEY,
    work_count INTEGER NOT NULL
);

-- +goose Down
DROP TABLE author_stats;
DROP TABLE publish_clock;
DROP TABLE videos;
