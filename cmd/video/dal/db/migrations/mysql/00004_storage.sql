-- +goose Up
-- What each author's uploads take, one row for who has ever uploaded. stored_bytes equals the sum of quota_bytes of their
-- rows in video_media; uploads from before have none there and count nothing. day_bytes runs empty within a day: it is what
-- was left of it at day_at_ms. Who publishes locks the row, which puts an author's uploads in a line.
CREATE TABLE author_storage (
    author_id    BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    day_bytes    BIGINT NOT NULL,
    day_at_ms    BIGINT NOT NULL,
    PRIMARY KEY (author_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- digest is that of the file as it was uploaded, to know a repetition by; '' is not known.
ALTER TABLE video_media
    ADD COLUMN quota_bytes BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN digest      VARCHAR(64) NOT NULL DEFAULT '',
    ADD KEY video_media_digest (author_id, digest);

-- +goose Down
ALTER TABLE video_media DROP KEY video_media_digest, DROP COLUMN digest, DROP COLUMN quota_bytes;
DROP TABLE author_storage;
