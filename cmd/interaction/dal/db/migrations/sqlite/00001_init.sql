-- +goose Up

-- One row per pair that ever had a like; a like taken back keeps its row, so that an older event that arrives late is
-- known to be old. last_event is the newest event applied; liked_event is the one that began the present like, and
-- orders a user's list.
CREATE TABLE favorites (
    user_id     INTEGER NOT NULL,
    video_id    INTEGER NOT NULL,
    author_id   INTEGER NOT NULL,
    liked       BOOLEAN NOT NULL,
    last_event  INTEGER NOT NULL,
    liked_event INTEGER NOT NULL,
    PRIMARY KEY (user_id, video_id)
) WITHOUT ROWID;
CREATE INDEX favorites_list ON favorites (user_id, liked, liked_event);
CREATE INDEX favorites_recount ON favorites (author_id, video_id, liked);

-- A deleted comment keeps its row without its text, so that its creation, should it arrive late or again, stays undone.
CREATE TABLE comments (
    id            INTEGER NOT NULL PRIMARY KEY,
    video_id      INTEGER NOT NULL,
    user_id       INTEGER NOT NULL,
    content       TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    deleted       BOOLEAN NOT NULL
);
CREATE INDEX comments_list ON comments (video_id, deleted, id);

CREATE TABLE video_stats (
    video_id       INTEGER NOT NULL PRIMARY KEY,
    author_id      INTEGER NOT NULL,
    favorite_count INTEGER NOT NULL,
    comment_count  INTEGER NOT NULL
);
CREATE INDEX video_stats_author ON video_stats (author_id);

CREATE TABLE user_stats (
    user_id         INTEGER NOT NULL PRIMARY KEY,
    total_favorited INTEGER NOT NULL,
    favorite_count  INTEGER NOT NULL
);

-- +goose Down
DROP TABLE user_stats;
DROP TABLE video_stats;
DROP TABLE comments;
DROP TABLE favorites;
