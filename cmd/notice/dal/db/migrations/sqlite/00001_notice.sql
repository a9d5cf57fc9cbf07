-- +goose Up
-- A notice is a group of entries: of one kind, about one subject, for one user. entries is how many are present, newest_ms the time
-- of the newest of these, both 0 when there is none. gone_ms is when its subject was deleted for good: then nothing of it counts.
CREATE TABLE notices (
    user_id    INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    subject_id INTEGER NOT NULL,
    video_id   INTEGER NOT NULL,
    entries    INTEGER NOT NULL,
    newest_ms  INTEGER NOT NULL,
    gone_ms    INTEGER NOT NULL DEFAULT 0,
    failed     BOOLEAN NOT NULL DEFAULT 0,
    reason     TEXT    NOT NULL DEFAULT '',
    title      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (user_id, kind, subject_id)
) WITHOUT ROWID;
CREATE INDEX notices_list ON notices (user_id, newest_ms, kind, subject_id);

-- One like, comment, answer, mention or follower. One that was taken back keeps its row, so that an older message that comes late is
-- known to be old: seq is the newest message that was applied.
CREATE TABLE notice_entries (
    user_id    INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    subject_id INTEGER NOT NULL,
    entry_id   INTEGER NOT NULL,
    actor_id   INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    present    BOOLEAN NOT NULL,
    seq        INTEGER NOT NULL,
    PRIMARY KEY (user_id, kind, subject_id, entry_id)
) WITHOUT ROWID;
CREATE INDEX notice_entries_newest ON notice_entries (user_id, kind, subject_id, present, at_ms);

-- What a user has read, and wants to hear of: muted has a bit for each kind.
CREATE TABLE notice_readers (
    user_id INTEGER NOT NULL PRIMARY KEY,
    seen_ms INTEGER NOT NULL DEFAULT 0,
    muted   INTEGER NOT NULL DEFAULT 0
);

-- One row: since when there are notices. What happened before is not told, so the audit does not miss it.
CREATE TABLE notice_epoch (
    id       INTEGER NOT NULL PRIMARY KEY,
    since_ms INTEGER NOT NULL
);
INSERT INTO notice_epoch (id, since_ms) VALUES (1, CAST(strftime('%s', 'now') AS INTEGER) * 1000);

-- Browsers that take notices while no page is open. endpoint_hash is the SHA-256 of the endpoint, in hex.
CREATE TABLE push_subscriptions (
    id            INTEGER NOT NULL PRIMARY KEY,
    user_id       INTEGER NOT NULL,
    session_id    INTEGER NOT NULL,
    endpoint_hash TEXT    NOT NULL UNIQUE,
    endpoint      TEXT    NOT NULL,
    p256dh        TEXT    NOT NULL,
    auth          TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL
);
CREATE INDEX push_subscriptions_user ON push_subscriptions (user_id);

-- +goose Down
DROP TABLE push_subscriptions;
DROP TABLE notice_epoch;
DROP TABLE notice_readers;
DROP TABLE notice_entries;
DROP TABLE notices;
