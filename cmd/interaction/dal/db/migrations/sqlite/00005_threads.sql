-- +goose Up
-- Answers. A row from before this began a thread that has no answers, below the video of an author 0, and mentions nobody.
--   root_id       the comment that began the thread, 0: this one
--   author_id     whose video it is, 0: not known
--   mentions      ids of users, with commas between
--   deleted_event the event that deleted it, 0: not deleted, or not known
-- A row of user 0 stands for a comment that is not stored yet, and keeps what its answers and likes have counted already.
ALTER TABLE comments ADD COLUMN root_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comments ADD COLUMN reply_to_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comments ADD COLUMN reply_to_user_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comments ADD COLUMN author_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comments ADD COLUMN mentions TEXT NOT NULL DEFAULT '';
ALTER TABLE comments ADD COLUMN like_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comments ADD COLUMN reply_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE comments ADD COLUMN deleted_event INTEGER NOT NULL DEFAULT 0;
-- Threads of a video by newest, and the answers in one of them. Then threads by likes.
CREATE INDEX comments_threads ON comments (video_id, root_id, deleted, id);
CREATE INDEX comments_top ON comments (video_id, root_id, deleted, like_count, id);

-- As favorites: a like taken back keeps its row.
CREATE TABLE comment_likes (
    user_id     INTEGER NOT NULL,
    comment_id  INTEGER NOT NULL,
    video_id    INTEGER NOT NULL,
    liked       BOOLEAN NOT NULL,
    last_event  INTEGER NOT NULL,
    liked_event INTEGER NOT NULL,
    PRIMARY KEY (user_id, comment_id)
) WITHOUT ROWID;
CREATE INDEX comment_likes_recount ON comment_likes (comment_id, liked);
CREATE INDEX comment_likes_event ON comment_likes (last_event);

-- Which comment of a video is pinned; 0 is none. What is deleted is not pinned, whatever is here.
CREATE TABLE comment_pins (
    video_id   INTEGER NOT NULL PRIMARY KEY,
    comment_id INTEGER NOT NULL,
    last_event INTEGER NOT NULL
);
CREATE INDEX comment_pins_event ON comment_pins (last_event);

-- Deleted comments whose answers are not deleted yet.
CREATE TABLE comment_sweeps (
    root_id  INTEGER NOT NULL PRIMARY KEY,
    video_id INTEGER NOT NULL
);

-- +goose Down
DROP TABLE comment_sweeps;
DROP TABLE comment_pins;
DROP TABLE comment_likes;
DROP INDEX comments_top;
DROP INDEX comments_threads;
ALTER TABLE comments DROP COLUMN deleted_event;
ALTER TABLE comments DROP COLUMN reply_count;
ALTER TABLE comments DROP COLUMN like_count;
ALTER TABLE comments DROP COLUMN mentions;
ALTER TABLE comments DROP COLUMN author_id;
ALTER TABLE comments DROP COLUMN reply_to_user_id;
ALTER TABLE comments DROP COLUMN reply_to_id;
ALTER TABLE comments DROP COLUMN root_id;
