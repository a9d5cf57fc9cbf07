-- +goose Up
-- A conversation is the pair of its users, the lower id first.
CREATE TABLE conversations (
    low_id     INTEGER NOT NULL,
    high_id    INTEGER NOT NULL CHECK (low_id < high_id),
    last_at_ms INTEGER NOT NULL,
    PRIMARY KEY (low_id, high_id)
) WITHOUT ROWID;

-- No two messages of a conversation share a time: it is the cursor of a poll, and the order of the list.
CREATE TABLE messages (
    low_id        INTEGER NOT NULL,
    high_id       INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    id            INTEGER NOT NULL UNIQUE,
    from_user_id  INTEGER NOT NULL,
    content       TEXT NOT NULL,
    PRIMARY KEY (low_id, high_id, created_at_ms)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE messages;
DROP TABLE conversations;
