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

ALTER TABLE video_media ADD COLUMN quota_bytes BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE video_media DROP COLUMN quota_bytes;
DROP TABLE author_storage;
