-- +goose Up
-- The networks from which an account logged in of late. Guesses at its password from elsewhere do not lock them out.
CREATE TABLE login_networks (
    user_id INTEGER NOT NULL,
    network TEXT    NOT NULL COLLATE BINARY,
    seen_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id, network)
) WITHOUT ROWID;
CREATE INDEX login_networks_seen ON login_networks (seen_ms);

-- +goose Down
DROP TABLE login_networks;
