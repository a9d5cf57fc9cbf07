-- +goose Up
-- The logins of an account that are not revoked. Ids are ordered by the time of the login.
CREATE TABLE sessions (
    user_id       BIGINT         NOT NULL,
    id            BIGINT         NOT NULL,
    created_at_ms BIGINT         NOT NULL,
    seen_ms       BIGINT         NOT NULL,
    agent         VARBINARY(200) NOT NULL,
    addr          VARBINARY(200) NOT NULL,
    PRIMARY KEY (user_id, id),
    KEY sessions_id (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- Sessions that were ended while tokens of them were valid, for as long as these are. Session 0 is all tokens of a user that name none.
CREATE TABLE revocations (
    user_id    BIGINT NOT NULL,
    session_id BIGINT NOT NULL,
    revoked_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, session_id),
    KEY revocations_revoked (revoked_ms, user_id, session_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- +goose Down
DROP TABLE revocations;
DROP TABLE sessions;
