-- +goose Up
-- Who is worked for next. hold is 0 while a row waits for its turn, 1 while a worker has it, or it waits for due_ms. Of the rows of
-- a lane that wait, the one with the least turn is next. cover_drawn is 1 when the uploaded cover is no frame of the video; of
-- rows from before it is not known.
ALTER TABLE video_media
    ADD COLUMN hold        INT NOT NULL DEFAULT 0,
    ADD COLUMN turn        BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN cover_drawn INT NOT NULL DEFAULT 1,
    ADD KEY video_media_turn (lane, hold, turn, author_id),
    ADD KEY video_media_held (lane, hold, due_ms),
    ADD KEY video_media_plan (plan, listed, lane, video_id);

-- The next turn of each author in each lane: it grows with the work that they give. author_id 0 is the lane itself: the turn that was
-- last taken up. Who has given no work for a while begins there.
CREATE TABLE media_turns (
    lane      INT NOT NULL,
    author_id BIGINT NOT NULL,
    turn      BIGINT NOT NULL,
    PRIMARY KEY (lane, author_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

INSERT INTO media_turns (lane, author_id, turn) VALUES (2, 0, 0), (3, 0, 0), (4, 0, 0), (5, 0, 0);

-- +goose Down
DROP TABLE media_turns;
ALTER TABLE video_media DROP KEY video_media_plan, DROP KEY video_media_held, DROP KEY video_media_turn,
    DROP COLUMN cover_drawn, DROP COLUMN turn, DROP COLUMN hold;
