-- +goose Up
-- What the work in the background makes of a video; empty until it is there.
ALTER TABLE videos
    ADD COLUMN hls_key     VARCHAR(255) NOT NULL DEFAULT '',
    ADD COLUMN preview_key VARCHAR(255) NOT NULL DEFAULT '',
    ADD KEY videos_play (play_key),
    ADD KEY videos_cover (cover_key);

-- One row for each upload: the truth about the work on it. videos holds what is listed, this also what is not yet, or
-- no more. lane is what a worker has to do: 0 nothing, 1 delete, 2 transcode (nobody sees the video before), 3 improve.
-- plan and todo are sets of steps. Nobody works on a row before due_ms; token is that of the worker who holds it until
-- then. pending is 1 while the author is shown the row.
CREATE TABLE video_media (
    video_id      BIGINT NOT NULL,
    author_id     BIGINT NOT NULL,
    title         VARCHAR(100) NOT NULL,
    state         INT NOT NULL,
    listed        INT NOT NULL,
    pending       INT NOT NULL,
    reason        VARCHAR(200) NOT NULL,
    progress      INT NOT NULL,
    plan          INT NOT NULL,
    todo          INT NOT NULL,
    lane          INT NOT NULL,
    due_ms        BIGINT NOT NULL,
    token         VARCHAR(32) NOT NULL,
    attempts      INT NOT NULL,
    source_key    VARCHAR(255) NOT NULL,
    cover_key     VARCHAR(255) NOT NULL,
    duration_ms   BIGINT NOT NULL,
    size_bytes    BIGINT NOT NULL,
    width_px      INT NOT NULL,
    height_px     INT NOT NULL,
    rotation      INT NOT NULL,
    video_codec   VARCHAR(32) NOT NULL,
    audio_codec   VARCHAR(32) NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (video_id),
    KEY video_media_due (lane, due_ms),
    KEY video_media_author (author_id, pending, video_id),
    KEY video_media_source (source_key),
    KEY video_media_cover (cover_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE video_media;
ALTER TABLE videos DROP KEY videos_cover, DROP KEY videos_play, DROP COLUMN preview_key, DROP COLUMN hls_key;
