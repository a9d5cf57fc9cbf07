-- +goose Up

-- One row per pair that ever had a like; a like taken back keeps its row, so that an older event that arrives late is
-- known to be old. last_event is the newest event applied; liked_event is the one that began the present like, and
-- orders a user's list.
CREATE TABLE favorites (
    user_id     BIGINT  NOT NULL,
    video_id    BIGINT  NOT NULL,
    author_id   BIGINT  NOT NULL,
    liked       BOOLEAN NOT NULL,
    last_event  BIGINT  NOT NULL,
    liked_event BIGINT  NOT NULL,
    PRIMARY KEY (user_id, video_id),
    KEY favorites_list (user_id, liked, liked_event),
    KEY favorites_recount (author_id, video_id, liked)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- A deleted comment keeps its row without its text, so that its creation, should it arrive late or again, stays undone.
CREATE TABLE comments (
    id            BIGINT       NOT NULL,
    video_id      BIGINT       NOT NULL,
    user_id       BIGINT       NOT NULL,
    content       VARCHAR(500) NOT NULL,
    created_at_ms BIGINT       NOT NULL,
    deleted       BOOLEAN      NOT NULL,
    PRIMARY KEY (id),
    KEY comments_list (video_id, deleted, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE video_stats (
    video_id       BIGINT NOT NULL,
    author_id      BIGINT NOT NULL,
    favorite_count BIGINT NOT NULL,
    comment_count  BIGINT NOT NULL,
    PRIMARY KEY (video_id),
    KEY video_stats_author (author_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE user_stats (
    user_id         BIGINT NOT NULL,
    total_favorited BIGINT NOT NULL,
    favorite_count  BIGINT NOT NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- +goose Down
DROP TABLE user_stats;
DROP TABLE video_stats;
DROP TABLE comments;
DROP TABLE favorites;
