-- +goose Up
-- What each author's uploads take, one row for who has ever uploaded. stored_bytes equals the sum of quota_bytes of their
-- rows in video_media; uploads from before have none there and count nothing. day_bytes runs empty within a day: it is what
-- was left of it at day_at_ms. Who publishes locks the row, which puts an author's uploads in a line.
CREATE TABLE author_storage (
    author_id    INTEGER NOT NULL PRIMARY KEY,
    stored_bytes INTEGER NOT NULL,
    day_bytes    INTEGER NOT NULL,
    day_at_ms    INTEGER NOT NULL
);

ALTER TABLE video_media ADD COLUMN quota_bytes INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE video_media DROP COLUMN quota_bytes;
DROP TABLE author_storage;
