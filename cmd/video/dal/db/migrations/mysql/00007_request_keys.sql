-- +goose Up
-- What clients may ask for again (pkg/idempotency): one row for each request with an Idempotency-Key, written in the transaction of what
-- it made, and removed later. owner_id is the author, by which those rows are sharded, result_id the video;
-- key_hash and digest tell keys and what was asked for with them apart.
CREATE TABLE request_keys (
    owner_id  BIGINT NOT NULL,
    user_id   BIGINT NOT NULL,
    key_hash  BIGINT NOT NULL,
    digest    BIGINT NOT NULL,
    result_id BIGINT NOT NULL,
    at_ms     BIGINT NOT NULL,
    PRIMARY KEY (user_id, key_hash),
    KEY request_keys_at (at_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- +goose Down
DROP TABLE request_keys;
