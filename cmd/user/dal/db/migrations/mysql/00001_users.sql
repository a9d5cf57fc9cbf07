-- +goose Up
-- username is VARBINARY: it compares byte for byte on MySQL and MariaDB alike, without folding case and without padding,
-- so "Bob", "bob" and "bob " are three names. 128 bytes hold 32 characters of four bytes.
CREATE TABLE users (
    id             BIGINT         NOT NULL,
    username       VARBINARY(128) NOT NULL,
    password_hash  VARCHAR(255)   NOT NULL CHECK (password_hash <> ''),
    avatar_key     VARCHAR(255)   NOT NULL DEFAULT '',
    background_key VARCHAR(255)   NOT NULL DEFAULT '',
    signature      VARCHAR(255)   NOT NULL DEFAULT '',
    created_at_ms  BIGINT         NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY users_username (username)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- +goose Down
DROP TABLE users;
