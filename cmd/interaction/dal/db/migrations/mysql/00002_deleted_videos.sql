-- +goose Up

-- A deleted video keeps its row of counters: it is by this row that the writer knows that nothing may hang on the video
-- any more, also not what comes late.
ALTER TABLE video_stats ADD COLUMN deleted BOOLEAN NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE video_stats DROP COLUMN deleted;
