-- +goose Up
-- No two videos share a publish time: it is the cursor of the feed on its own.
CREATE TABLE videos (
    id              BIGINT NOT NULL,
    author_id       BIGINT NOT NULL,
    title           VARCHAR(100) NOT NULL,
    play_key        VARCHAR(255) NOT NULL,
    cover_key       VARCHAR(255) NOT NULL,
    published_at_ms BIGINT NOT NULL,
    duration_ms     BIGINT NOT NULL,
    size_bytes      BIGINT NOT NULL,
    width_px        INT NOT NULL,
    height_px       INT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY videos_feed (published_at_ms),
    KEY videos_author (author_id, published_at_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row: the latest publish time. Who publishes locks it, which puts the videos in a line.
CREATE TABLE publish_clock (
    id      INT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- One row for each user who ever published. work_count equals the number of the author's videos.
CREATE TABLE author_stats (
    author_id  BIGINT NOT NULL,
    work_count BIGINT NOT NULL,
    PRIMARY KEY (author_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- +goose Down
DROP TABLE author_stats;
DROP TABLE publish_clock;
DROP TABLE videos;
