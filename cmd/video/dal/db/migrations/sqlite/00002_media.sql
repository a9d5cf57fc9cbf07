-- +goose Up
-- What the work in the background makes of a video; empty until it is there.
ALTER TABLE videos ADD COLUMN hls_key TEXT NOT NULL DEFAULT '';
ALTER TABLE videos ADD COLUMN preview_key TEXT NOT NULL DEFAULT '';
CREATE INDEX videos_play ON videos (play_key);
CREATE INDEX videos_cover ON videos (cover_key);

-- One row for each upload: the truth about the work on it. videos holds what is listed, this also what is not yet, or
-- no more. lane is what a worker has to do: 0 nothing, 1 delete, 2 transcode (nobody sees the video before), 3 improve.
-- plan and todo are sets of steps. Nobody works on a row before due_ms; token is that of the worker who holds it until
-- then. pending is 1 while the author is shown the row.
CREATE TABLE video_media (
    video_id      INTEGER PRIMARY KEY,
    author_id     INTEGER NOT NULL,
    title         TEXT NOT NULL,
    state         INTEGER NOT NULL,
    listed        INTEGER NOT NULL,
    pending       INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    progress      INTEGER NOT NULL,
    plan          INTEGER NOT NULL,
    todo          INTEGER NOT NULL,
    lane          INTEGER NOT NULL,
    due_ms        INTEGER NOT NULL,
    token         TEXT NOT NULL,
    attempts      INTEGER NOT NULL,
    source_key    TEXT NOT NULL,
    cover_key     TEXT NOT NULL,
    duration_ms   INTEGER NOT NULL,
    size_bytes    INTEGER NOT NULL,
    width_px      INTEGER NOT NULL,
    height_px     INTEGER NOT NULL,
    rotation      INTEGER NOT NULL,
    video_codec   TEXT NOT NULL,
    audio_codec   TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
);
CREATE INDEX video_media_due ON video_media (lane, due_ms);
CREATE INDEX video_media_author ON video_media (author_id, pending, video_id);
CREATE INDEX video_media_source ON video_media (source_key);
CREATE INDEX video_media_cover ON video_media (cover_key);

-- +goose Down
DROP TABLE video_media;
DROP INDEX videos_cover;
DROP INDEX videos_play;
ALTER TABLE videos DROP COLUMN preview_key;
ALTER TABLE videos DROP COLUMN hls_key;
