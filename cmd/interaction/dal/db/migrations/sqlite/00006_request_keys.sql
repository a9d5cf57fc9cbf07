-- +goose Up
-- What clients may ask for again (pkg/idempotency): one row for each request with an Idempotency-Key, written in the transaction of what
-- it made, and removed later. owner_id is the video, by which those rows are sharded, result_id the comment;
-- key_hash and digest tell keys and what was asked for with them apart.
CREATE TABLE request_keys (
    owner_id  INTEGER NOT NULL,
    user_id   INTEGER NOT NULL,
    key_hash  INTEGER NOT NULL,
    digest    INTEGER NOT NULL,
    result_id INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    PRIMARY KEY (user_id, key_hash)
) WITHOUT ROWID;
CREATE INDEX request_keys_at ON request_keys (at_ms);

-- +goose Down
DROP TABLE request_keys;
