-- The tables of the lookup vindexes. Once, through vtgate, with the keyspace tiktok_user.
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
