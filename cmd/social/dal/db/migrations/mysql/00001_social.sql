-- +goose Up
-- follows.id is made by the service and grows with time: it is the order of every list.
CREATE TABLE follows (
    id            BIGINT NOT NULL,
    user_id       BIGINT NOT NULL,
    to_user_id    BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY follows_pair (user_id, to_user_id),
    KEY follows_following (user_id, id, to_user_id),
    KEY follows_followers (to_user_id, id, user_id),
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
