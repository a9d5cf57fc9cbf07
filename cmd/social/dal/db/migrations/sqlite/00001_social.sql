-- +goose Up
-- follows.id is made by the service and grows with time: it is the order of every list.
CREATE TABLE follows (
    user_id       INTEGER NOT NULL,
    to_user_id    INTEGER NOT NULL CHECK (to_user_id <> user_id),
    id            INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, to_user_id)
) WITHOUT ROWID;
-- Both end with the primary key, so a list is read from its index alone.
CREATE INDEX follows_following ON follows (user_id, id);
CREATE INDEX follows_followers ON follows (to_user_id, id);

-- One row for each user who ever followed or was followed. Both counters equal the length of their list in follows.
CREATE TABLE social_stats (
    user_id        INTEGER PRIMARY KEY,
    follow_count   INTEGER NOT NULL,
    follower_count INTEGER NOT NULL
);

-- +goose Down
DROP TABLE social_stats;
DROP TABLE follows;
