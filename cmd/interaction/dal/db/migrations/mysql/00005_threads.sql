-- +goose Up
-- Answers. A row from before this began a thread that has no answers, below the video of an author 0, and mentions nobody.
--   root_id       the comment that began the thread, 0: this one
--   author_id     whose video it is, 0: not known
--   mentions      ids of users, with commas between
--   deleted_event the event that deleted it, 0: not deleted, or not known
-- A row of user 0 stands for a comment that is not stored yet, and keeps what its answers and likes have counted already.
ALTER TABLE comments
    ADD COLUMN root_id          BIGINT       NOT NULL DEFAULT 0,
    ADD COLUMN reply_to_id      BIGINT       NOT NULL DEFAULT 0,
    ADD COLUMN reply_to_user_id BIGINT       NOT NULL DEFAULT 0,
    ADD COLUMN author_id        BIGINT       NOT NULL DEFAULT 0,
    ADD COLUMN mentions         VARCHAR(255) NOT NULL DEFAULT '',
    ADD COLUMN like_count       BIGINT       NOT NULL DEFAULT 0,
    ADD COLUMN reply_count      BIGINT       NOT NULL DEFAULT 0,
    ADD COLUMN deleted_event    BIGINT       NOT NULL DEFAULT 0;
-- Threads of a video by newest, and the answers in one of them. Then threads by likes.
CREATE INDEX comments_threads ON comments (video_id, root_id, deleted, id);
CREATE INDEX comments_top ON comments (video_id, root_id, deleted, like_count, id);

-- As favorites: a like taken back keeps its row.
CREATE TABLE comment_likes (
    user_id     BIGINT  NOT NULL,
    comment_id  BIGINT  NOT NULL,
    video_id    BIGINT  NOT NULL,
    liked       BOOLEAN NOT NULL,
    last_event  BIGINT  NOT NULL,
    liked_event BIGINT  NOT NULL,
    PRIMARY KEY (user_id, comment_id),
    KEY comment_likes_recount (comment_id, liked),
    KEY comment_likes_event (last_event)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Which comment of a video is pinned; 0 is none. What is deleted is not pinned, whatever is here.
CREATE TABLE comment_pins (
    video_id   BIGINT NOT NULL,
    comment_id BIGINT NOT NULL,
    last_event BIGINT NOT NULL,
    PRIMARY KEY (video_id),
    KEY comment_pins_event (last_event)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Deleted comments whose answers are not deleted yet.
CREATE TABLE comment_sweeps (
    root_id  BIGINT NOT NULL,
    video_id BIGINT NOT NULL,
    PRIMARY KEY (root_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- +goose Down
DROP TABLE comment_sweeps;
DROP TABLE comment_pins;
DROP TABLE comment_likes;
DROP INDEX comments_top ON comments;
DROP INDEX comments_threads ON comments;
ALTER TABLE comments
    DROP COLUMN deleted_event,
    DROP COLUMN reply_count,
    DROP COLUMN like_count,
    DROP COLUMN mentions,
    DROP COLUMN author_id,
    DROP COLUMN reply_to_user_id,
    DROP COLUMN reply_to_id,
    DROP COLUMN root_id;
