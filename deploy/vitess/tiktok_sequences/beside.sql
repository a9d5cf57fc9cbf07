-- The numbers of the outboxes. Once, through vtgate, with the keyspace tiktok_sequences.
CREATE TABLE IF NOT EXISTS outbox_user (
    id      BIGINT NOT NULL,
    next_id BIGINT NOT NULL,
    cache   BIGINT NOT NULL,
    PRIMARY KEY (id)
) COMMENT 'vitess_sequence';
INSERT IGNORE INTO outbox_user (id, next_id, cache) VALUES (0, 1, 1000);
CREATE TABLE IF NOT EXISTS outbox_interaction (
    id      BIGINT NOT NULL,
    next_id BIGINT NOT NULL,
    cache   BIGINT NOT NULL,
    PRIMARY KEY (id)
) COMMENT 'vitess_sequence';
INSERT IGNORE INTO outbox_interaction (id, next_id, cache) VALUES (0, 1, 1000);
CREATE TABLE IF NOT EXISTS outbox_social (
    id      BIGINT NOT NULL,
    next_id BIGINT NOT NULL,
    cache   BIGINT NOT NULL,
    PRIMARY KEY (id)
) COMMENT 'vitess_sequence';
INSERT IGNORE INTO outbox_social (id, next_id, cache) VALUES (0, 1, 1000);
CREATE TABLE IF NOT EXISTS outbox_chat (
    id      BIGINT NOT NULL,
    next_id BIGINT NOT NULL,
    cache   BIGINT NOT NULL,
    PRIMARY KEY (id)
) COMMENT 'vitess_sequence';
INSERT IGNORE INTO outbox_chat (id, next_id, cache) VALUES (0, 1, 1000);
