-- +goose Up
-- follows.id is made by the service and grows with time: it is the order of every list.
-- The pair is the primary key rather than a unique key beside it: for a duplicate of a primary key InnoDB locks the row,
-- for one of another unique key also the gap before it, and writers of neighbouring pairs deadlock.
CREATE TABLE follows (
    user_id       BIGINT NOT NULL,
    to_user_id    BIGINT NOT NULL,
    id            BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, to_user_id),
    -- Both end with the primary key, so a list is read from its index alone.
    KEY follows_following (user_id, id),
    KEY follows_followers (to_user_id, id),
    CHECK (to_user_id <> user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- One row for each user who ever followed or was followed. Both counters equal the length of their list in follows.
CREATE TABLE social_stats (
    user_id        BIGINT NOT NULL,
    follow_count   BIGINT NOT NULL,
    follower_count BIGINT NOT NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- +goose Down
DROP TABLE social_stats;
DROP TABLE follows;
