-- +goose Up
-- What is unread: only the receiver of the newest message can have unread messages, since who sends has read what was there. unread_id
-- is that user, 0 when everything is read; the messages after read_ms are those. Each side finds its conversations, newest first.
--
-- counted_ms is the newest message that unread_id and read_ms know of. A process of the version before knows nothing of them and changes
-- last_at_ms alone: the row is stale then, as all rows are at first, until the service has looked at its messages.
ALTER TABLE conversations
    ADD COLUMN unread_id  BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN read_ms    BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN counted_ms BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN stale      TINYINT AS (counted_ms <> last_at_ms);
CREATE INDEX conversations_low ON conversations (low_id, last_at_ms, high_id);
CREATE INDEX conversations_high ON conversations (high_id, last_at_ms, low_id);
CREATE INDEX conversations_unread ON conversations (unread_id);
CREATE INDEX conversations_stale ON conversations (stale);

-- +goose Down
DROP INDEX conversations_stale ON conversations;
DROP INDEX conversations_unread ON conversations;
DROP INDEX conversations_high ON conversations;
DROP INDEX conversations_low ON conversations;
ALTER TABLE conversations DROP COLUMN stale, DROP COLUMN counted_ms, DROP COLUMN read_ms, DROP COLUMN unread_id;
