-- +goose Up
-- What to show in place of username; need not be unique. Empty: username.
ALTER TABLE users ADD COLUMN display_name VARCHAR(32) NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE users DROP COLUMN display_name;
