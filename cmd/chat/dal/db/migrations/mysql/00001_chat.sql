-- +goose Up
-- A conversation is the pair of its users, the lower id first. Its row is locked by who sends, which puts the messages
-- of one conversation in a line.
CREATE TABLE conversations (
    low_id     BIGINT NOT NULL,
    high_id    BIGINT NOT NULL,
    last_at_ms BIGINT NOT NULL,
    PRIMARY KEY (low_id, high_id),
    CHECK (low_id < high_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- No two messages of a conversation share a time: it is the cursor of a poll, and the order of the list.
CREATE TABLE messages (
    low_id        BIGINT NOT NULL,
    high_id       BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    id            BIGINT NOT NULL,
    from_user_id  BIGINT NOT NULL,
    content       VARCHAR(1000) NOT NULL,
    PRIMARY KEY (low_id, high_id, created_at_ms),
    UNIQUE KEY messages_id (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE messages;
DROP TABLE conversations;
