-- What Vitess needs beside the tables of the migrations. Once, through vtgate, with the keyspace tiktok_user.
CREATE TABLE IF NOT EXISTS outbox_seq (
    id      BIGINT NOT NULL,
    next_id BIGINT NOT NULL,
    cache   BIGINT NOT NULL,
    PRIMARY KEY (id)
) COMMENT 'vitess_sequence';
CREATE TABLE IF NOT EXISTS users_by_name (
    name        VARBINARY(128) NOT NULL,
    keyspace_id VARBINARY(16)  NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE IF NOT EXISTS users_by_skeleton (
    skeleton    VARBINARY(32) NOT NULL,
    keyspace_id VARBINARY(16) NOT NULL,
    PRIMARY KEY (skeleton)
);
-- The sequence is on the shard of the keyspace id 00, which is the first one however many there are.
USE `tiktok_user/-80`;
INSERT IGNORE INTO outbox_seq (id, next_id, cache) VALUES (0, 1, 1000);
