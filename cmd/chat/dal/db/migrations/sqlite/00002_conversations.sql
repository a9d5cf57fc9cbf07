-- +goose Up
-- What is unread: only the receiver of the newest message can have unread messages, since who sends has read what was there. unread_id
-- is that user, 0 when everything is read; the messages after read_ms are those. Each side finds its conversations, newest first.
--
-- counted_ms is the newest message that unread_id and read_ms know of. A process of the version before knows nothing of them and changes
-- last_at_ms alone: the row is stale then, as all rows are at first, until the service has looked at its messages.
ALTER TABLE conversations ADD COLUMN unread_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN read_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN counted_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN stale INTEGER AS (counted_ms <> last_at_ms);
CREATE INDEX conversations_low ON conversations (low_id, last_at_ms, high_id);
CREATE INDEX conversations_high ON conversations (high_id, last_at_ms, low_id);
CREATE INDEX conversations_unread ON conversations (unread_id);
CREATE INDEX conversations_stale ON conversations (stale) WHERE stale = 1;

-- +goose Down
DROP INDEX conversations_stale;
DROP INDEX conversations_unread;
DROP INDEX conversations_high;
DROP INDEX conversations_low;
ALTER TABLE conversations DROP COLUMN stale;
ALTER TABLE conversations DROP COLUMN counted_ms;
ALTER TABLE conversations DROP COLUMN read_ms;
ALTER TABLE conversations DROP COLUMN unread_id;
