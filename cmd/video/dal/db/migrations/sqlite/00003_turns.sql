-- +goose Up
-- Who is worked for next. hold is 0 while a row waits for its turn, 1 while a worker has it, or it waits for due_ms. Of the rows of
-- a lane that wait, the one with the least turn is next. cover_drawn is 1 when the uploaded cover is no frame of the video; of
-- rows from before it is not known.
ALTER TABLE video_media ADD COLUMN hold INTEGER NOT NULL DEFAULT 0;
ALTER TABLE video_media ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE video_media ADD COLUMN cover_drawn INTEGER NOT NULL DEFAULT 1;
CREATE INDEX video_media_turn ON video_media (lane, hold, turn, author_id);
CREATE INDEX video_media_held ON video_media (lane, hold, due_ms);
CREATE INDEX video_media_plan ON video_media (plan, listed, lane, video_id);

-- The next turn of each author in each lane: it grows with the work that they give. author_id 0 is the lane itself: the turn that was
-- last taken up. Who has given no work for a while begins there.
CREATE TABLE media_turns (
    lane      INTEGER NOT NULL,
    author_id INTEGER NOT NULL,
    turn      INTEGER NOT NULL,
    PRIMARY KEY (lane, author_id)
) WITHOUT ROWID;

INSERT INTO media_turns (lane, author_id, turn) VALUES (2, 0, 0), (3, 0, 0), (4, 0, 0), (5, 0, 0);

-- +goose Down
DROP TABLE media_turns;
DROP INDEX video_media_plan;
DROP INDEX video_media_held;
DROP INDEX video_media_turn;
ALTER TABLE video_media DROP COLUMN cover_drawn;
ALTER TABLE video_media DROP COLUMN turn;
ALTER TABLE video_media DROP COLUMN hold;
