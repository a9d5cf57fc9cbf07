-- +goose Up
-- What a user has deleted for themselves. hidden has a bit for each side that does not see the message any more: 1 the lower id, 2 the
-- higher one. Messages up to cleared_low_ms are deleted for the lower id, those up to cleared_high_ms for the higher one.
--
-- The newest message that a side sees is the newest one of all, unless that side has deleted it: then shown_low_ms is the time of the
-- newest one that is left, 0 when there is none, for as long as last_at_ms is shown_low_at_ms. So the next message ends it, also one that a
-- process of the version before stores. Each side finds its conversations by newest_low_ms or newest_high_ms; conversations_low
-- and conversations_high are for the version before.
ALTER TABLE messages ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN cleared_low_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN cleared_high_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN shown_low_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN shown_low_at_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN shown_high_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN shown_high_at_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN newest_low_ms INTEGER
    AS (CASE WHEN shown_low_at_ms = last_at_ms THEN shown_low_ms ELSE last_at_ms END);
ALTER TABLE conversations ADD COLUMN newest_high_ms INTEGER
    AS (CASE WHEN shown_high_at_ms = last_at_ms THEN shown_high_ms ELSE last_at_ms END);
CREATE INDEX conversations_low_newest ON conversations (low_id, newest_low_ms, high_id);
CREATE INDEX conversations_high_newest ON conversations (high_id, newest_high_ms, low_id);

-- +goose Down
DROP INDEX conversations_high_newest;
DROP INDEX conversations_low_newest;
ALTER TABLE conversations DROP COLUMN newest_high_ms;
ALTER TABLE conversations DROP COLUMN newest_low_ms;
ALTER TABLE conversations DROP COLUMN shown_high_at_ms;
ALTER TABLE conversations DROP COLUMN shown_high_ms;
ALTER TABLE conversations DROP COLUMN shown_low_at_ms;
ALTER TABLE conversations DROP COLUMN shown_low_ms;
ALTER TABLE conversations DROP COLUMN cleared_high_ms;
ALTER TABLE conversations DROP COLUMN cleared_low_ms;
ALTER TABLE messages DROP COLUMN hidden;
