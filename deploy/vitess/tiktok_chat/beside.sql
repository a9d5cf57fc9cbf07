-- What Vitess needs beside the tables of the migrations. Once, through vtgate, with the keyspace tiktok_chat.
CREATE TABLE IF NOT EXISTS outbox_seq (
    id      BIGINT NOT NULL,
    next_id BIGINT NOT NULL,
    cache   BIGINT NOT NULL,
    PRIMARY KEY (id)
) COMMENT 'vitess_sequence';
-- The sequence is on the shard of the keyspace id 00, which is the first one however many there are.
USE `tiktok_chat/-80`;
INSERT IGNORE INTO outbox_seq (id, next_id, cache) VALUES (0, 1, 1000);
