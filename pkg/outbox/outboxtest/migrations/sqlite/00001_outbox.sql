-- +goose Up
-- What other services shall hear of: written in the transaction that changes the data, deleted once the bus has it (pkg/outbox). Who
-- writes has locked the rows that a message is about, so ids grow in the order of their changes. AUTOINCREMENT: no id is given twice.
CREATE TABLE outbox (
    id    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    topic TEXT    NOT NULL,
    at_ms INTEGER NOT NULL,
    body  BLOB    NOT NULL
);

-- One row: which process hands messages over, and until when the others leave that to it.
CREATE TABLE outbox_lease (
    id       INTEGER NOT NULL PRIMARY KEY,
    holder   TEXT    NOT NULL,
    until_ms INTEGER NOT NULL
);

-- Messages that a consumer of the same process gave up. With RabbitMQ they are there.
CREATE TABLE outbox_dead (
    consumer   TEXT    NOT NULL,
    message_id INTEGER NOT NULL,
    topic      TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL,
    dead_ms    INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    body       BLOB    NOT NULL,
    PRIMARY KEY (consumer, message_id)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE outbox_dead;
DROP TABLE outbox_lease;
DROP TABLE outbox;
