-- +goose Up
-- username compares byte for byte (SQLite's BINARY), so "Bob", "bob" and "bob " are three names.
CREATE TABLE users (
    id             INTEGER PRIMARY KEY,
    username       TEXT    NOT NULL COLLATE BINARY,
    password_hash  TEXT    NOT NULL CHECK (password_hash <> ''),
    avatar_key     TEXT    NOT NULL DEFAULT '',
    background_key TEXT    NOT NULL DEFAULT '',
    signature      TEXT    NOT NULL DEFAULT '',
    created_at_ms  INTEGER NOT NULL
);
CREATE UNIQUE INDEX users_username ON users (username);

-- +goose Down
DROP TABLE users;
