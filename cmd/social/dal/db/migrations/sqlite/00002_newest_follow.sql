-- +goose Up
-- The newest follow is asked for when a process starts: its ids begin above it, also after the clock was set back.
CREATE INDEX follows_id ON follows (id);

-- +goose Down
DROP INDEX follows_id;
