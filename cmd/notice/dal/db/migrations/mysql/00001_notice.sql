-- +goose Up
-- A notice is a group of entries: of one kind, about one subject, for one user. entries is how many are present, newest_ms the time
-- of the newest of these, both 0 when there is none. gone_ms is when its subject was deleted for good: then nothing of it counts.
CREATE TABLE notices (
    user_id    BIGINT       NOT NULL,
    kind       TINYINT      NOT NULL,
    subject_id BIGINT       NOT NULL,
    video_id   BIGINT       NOT NULL,
    entries    BIGINT       NOT NULL,
    newest_ms  BIGINT       NOT NULL,
    gone_ms    BIGINT       NOT NULL DEFAULT 0,
    failed     BOOLEAN      NOT NULL DEFAULT 0,
    reason     VARCHAR(500) NOT NULL DEFAULT '',
    title      VARCHAR(100) NOT NULL DEFAULT '',
    PRIMARY KEY (user_id, kind, subject_id),
    KEY notices_list (user_id, newest_ms, kind, subject_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One like, comment, answer, mention or follower. One that was taken back keeps its row, so that an older message that comes late is
-- known to be old: seq is the newest message that was applied.
CREATE TABLE notice_entries (
    user_id    BIGINT  NOT NULL,
    kind       TINYINT NOT NULL,
    subject_id BIGINT  NOT NULL,
    entry_id   BIGINT  NOT NULL,
    actor_id   BIGINT  NOT NULL,
    at_ms      BIGINT  NOT NULL,
    present    BOOLEAN NOT NULL,
    seq        BIGINT  NOT NULL,
    PRIMARY KEY (user_id, kind, subject_id, entry_id),
    KEY notice_entries_newest (user_id, kind, subject_id, present, at_ms)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What a user has read, and wants to hear of: muted has a bit for each kind.
CREATE TABLE notice_readers (
    user_id BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL DEFAULT 0,
    muted   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row: since when there are notices. What happened before is not told, so the audit does not miss it.
CREATE TABLE notice_epoch (
    id       BIGINT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO notice_epoch (id, since_ms) VALUES (1, FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000));

-- Browsers that take notices while no page is open. endpoint_hash is the SHA-256 of the endpoint, in hex.
CREATE TABLE push_subscriptions (
    id            BIGINT        NOT NULL,
    user_id       BIGINT        NOT NULL,
    session_id    BIGINT        NOT NULL,
    endpoint_hash CHAR(64)      NOT NULL,
    endpoint      VARCHAR(1000) NOT NULL,
    p256dh        VARCHAR(200)  NOT NULL,
    auth          VARCHAR(100)  NOT NULL,
    created_at_ms BIGINT        NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY push_subscriptions_endpoint (endpoint_hash),
    KEY push_subscriptions_user (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- +goose Down
DROP TABLE push_subscriptions;
DROP TABLE notice_epoch;
DROP TABLE notice_readers;
DROP TABLE notice_entries;
DROP TABLE notices;
