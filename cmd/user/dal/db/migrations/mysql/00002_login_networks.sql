-- +goose Up
-- The networks from which an account logged in of late. Guesses at its password from elsewhere do not lock them out.
CREATE TABLE login_networks (
    user_id BIGINT        NOT NULL,
    network VARBINARY(64) NOT NULL,
    seen_ms BIGINT        NOT NULL,
    PRIMARY KEY (user_id, network),
    KEY login_networks_seen (seen_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- +goose Down
DROP TABLE login_networks;
