-- +goose Up
-- The logins of an account that are not revoked. Ids are ordered by the time of the login.
CREATE TABLE sessions (
    user_id       INTEGER NOT NULL,
    id            INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    seen_ms       INTEGER NOT NULL,
    agent         TEXT    NOT NULL,
    addr          TEXT    NOT NULL,
    PRIMARY KEY (user_id, id)
) WITHOUT ROWID;
CREATE INDEX sessions_id ON sessions (id);

-- Sessions that were ended while tokens of them were valid, for as long as these are. Session 0 is all tokens of a user that name none.
CREATE TABLE revocations (
    user_id    INTEGER NOT NULL,
    session_id INTEGER NOT NULL,
    revoked_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, session_id)
) WITHOUT ROWID;
CREATE INDEX revocations_revoked ON revocations (revoked_ms, user_id, session_id);

-- +goose Down
DROP TABLE revocations;
DROP TABLE sessions;
