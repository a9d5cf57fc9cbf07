-- +goose Up
-- The newest event is asked for when a process starts: its ids begin above it, also after the clock was set back.
CREATE INDEX favorites_event ON favorites (last_event);

-- +goose Down
DROP INDEX favorites_event ON favorites;
