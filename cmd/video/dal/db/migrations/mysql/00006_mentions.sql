-- +goose Up
-- Whom the title mentions: ids of users, in decimal, with commas between them.
ALTER TABLE videos ADD COLUMN mentions VARCHAR(200) NOT NULL DEFAULT '';

-- told is 1 when others were told that the video is deleted. A process of before there was an outbox does not do so when it marks
-- a video as deleted; then who removes the row does.
ALTER TABLE video_media
    ADD COLUMN mentions VARCHAR(200) NOT NULL DEFAULT '',
    ADD COLUMN told     INT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE video_media DROP COLUMN told, DROP COLUMN mentions;
ALTER TABLE videos DROP COLUMN mentions;
