-- +goose Up
-- What other services shall hear of: written in the transaction that changes the data, deleted once the bus has it (pkg/outbox). Who
-- writes has locked the rows that a message is about, so ids grow in the order of their changes.
CREATE TABLE outbox (
    id    BIGINT      NOT NULL AUTO_INCREMENT,
    topic VARCHAR(64) NOT NULL,
    at_ms BIGINT      NOT NULL,
    body  MEDIUMBLOB  NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row: which process hands messages over, and until when the others leave that to it.
CREATE TABLE outbox_lease (
    id       BIGINT      NOT NULL,
    holder   VARCHAR(64) NOT NULL,
    until_ms BIGINT      NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Messages that a consumer of the same process gave up. With RabbitMQ they are there.
CREATE TABLE outbox_dead (
    consumer   VARCHAR(64)  NOT NULL,
    message_id BIGINT       NOT NULL,
    topic      VARCHAR(64)  NOT NULL,
    at_ms      BIGINT       NOT NULL,
    dead_ms    BIGINT       NOT NULL,
    reason     VARCHAR(500) NOT NULL,
    body       MEDIUMBLOB   NOT NULL,
    PRIMARY KEY (consumer, message_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- +goose Down
DROP TABLE outbox_dead;
DROP TABLE outbox_lease;
DROP TABLE outbox;
