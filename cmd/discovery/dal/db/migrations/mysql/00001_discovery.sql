-- +goose Up
-- One row: the number of the last change of a video, user or tag. Who changes some locks it first, so numbers have the order of commits.
CREATE TABLE catalogue_clock (
    id  BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
INSERT INTO catalogue_clock (id, seq) VALUES (1, 0);

-- The videos that are listed. tags are those of the title, separated by spaces. likes is a copy for ranking, which may lag. One that was
-- deleted keeps its row for a while (gone_ms), so that what comes late does not bring it back.
CREATE TABLE videos (
    id           BIGINT       NOT NULL,
    author_id    BIGINT       NOT NULL,
    title        VARCHAR(100) NOT NULL DEFAULT '',
    tags         VARCHAR(500) NOT NULL DEFAULT '',
    published_ms BIGINT       NOT NULL,
    likes        BIGINT       NOT NULL DEFAULT 0,
    gone_ms      BIGINT       NOT NULL DEFAULT 0,
    changed_seq  BIGINT       NOT NULL,
    PRIMARY KEY (id),
    KEY videos_changed (changed_seq),
    KEY videos_gone (gone_ms),
    KEY videos_author (author_id, published_ms),
    KEY videos_published (published_ms)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The users. followers is a copy for ranking, which may lag. seq as in follows.
CREATE TABLE users (
    id          BIGINT      NOT NULL,
    name        VARCHAR(32) NOT NULL,
    shown_name  VARCHAR(32) NOT NULL DEFAULT '',
    followers   BIGINT      NOT NULL DEFAULT 0,
    gone_ms     BIGINT      NOT NULL DEFAULT 0,
    seq         BIGINT      NOT NULL,
    changed_seq BIGINT      NOT NULL,
    PRIMARY KEY (id),
    KEY users_changed (changed_seq),
    KEY users_gone (gone_ms)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The tags, in the form of tags.Key. videos is how many rows each has in video_tags.
CREATE TABLE tags (
    tag         VARCHAR(50) NOT NULL,
    videos      BIGINT      NOT NULL,
    changed_seq BIGINT      NOT NULL,
    PRIMARY KEY (tag),
    KEY tags_changed (changed_seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Which listed videos have a tag, in the order of their pages.
CREATE TABLE video_tags (
    tag          VARCHAR(50) NOT NULL,
    published_ms BIGINT      NOT NULL,
    video_id     BIGINT      NOT NULL,
    PRIMARY KEY (tag, published_ms, video_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The tags of the hour, replaced as a whole.
CREATE TABLE trending_tags (
    position BIGINT      NOT NULL,
    tag      VARCHAR(50) NOT NULL,
    score    DOUBLE      NOT NULL,
    PRIMARY KEY (position)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Who follows whom. One that ended keeps its row for a while, so that an older message that comes late is known to be old: seq is the newest
-- message that was applied, 0: it was read from the social service.
CREATE TABLE follows (
    user_id    BIGINT  NOT NULL,
    to_user_id BIGINT  NOT NULL,
    following  BOOLEAN NOT NULL,
    at_ms      BIGINT  NOT NULL,
    seq        BIGINT  NOT NULL,
    PRIMARY KEY (user_id, to_user_id),
    KEY follows_to (to_user_id, following, user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Likes of late, which feeds and the statistics of authors are made of. seq as in follows.
CREATE TABLE likes (
    user_id   BIGINT  NOT NULL,
    video_id  BIGINT  NOT NULL,
    author_id BIGINT  NOT NULL,
    liked     BOOLEAN NOT NULL,
    at_ms     BIGINT  NOT NULL,
    seq       BIGINT  NOT NULL,
    PRIMARY KEY (user_id, video_id),
    KEY likes_user (user_id, liked, at_ms),
    KEY likes_video (video_id, liked, at_ms)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- How far what was there before the service has been read. after_a and after_b are the key of the last row; done_ms 0: it goes on.
CREATE TABLE backfills (
    name       VARCHAR(32) NOT NULL,
    after_a    BIGINT      NOT NULL DEFAULT 0,
    after_b    BIGINT      NOT NULL DEFAULT 0,
    rows_read  BIGINT      NOT NULL DEFAULT 0,
    started_ms BIGINT      NOT NULL DEFAULT 0,
    done_ms    BIGINT      NOT NULL DEFAULT 0,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Who does what only one process may do, and until when the others leave it to them.
CREATE TABLE leases (
    name     VARCHAR(32) NOT NULL,
    holder   VARCHAR(64) NOT NULL,
    until_ms BIGINT      NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What processes are asked to do with their index, and how far each is.
CREATE TABLE index_jobs (
    id            BIGINT      NOT NULL,
    kind          VARCHAR(16) NOT NULL,
    created_at_ms BIGINT      NOT NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE index_reports (
    job_id     BIGINT       NOT NULL,
    replica    VARCHAR(64)  NOT NULL,
    state      VARCHAR(16)  NOT NULL,
    done_docs  BIGINT       NOT NULL DEFAULT 0,
    total_docs BIGINT       NOT NULL DEFAULT 0,
    message    VARCHAR(500) NOT NULL DEFAULT '',
    updated_ms BIGINT       NOT NULL,
    PRIMARY KEY (job_id, replica)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The sessions of watching that count as views, each once, until they are archived in video_watches. at_ms is when it was last told of.
CREATE TABLE watch_sessions (
    video_id   BIGINT      NOT NULL,
    user_id    BIGINT      NOT NULL,
    session    VARCHAR(36) NOT NULL,
    watched_ms BIGINT      NOT NULL,
    finished   BOOLEAN     NOT NULL,
    at_ms      BIGINT      NOT NULL,
    PRIMARY KEY (video_id, user_id, session),
    KEY watch_sessions_at (at_ms)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The last time that a user watched a video, for the history and what feeds leave out. hidden_ms: up to when it is forgotten.
CREATE TABLE history (
    user_id    BIGINT  NOT NULL,
    video_id   BIGINT  NOT NULL,
    at_ms      BIGINT  NOT NULL,
    watched_ms BIGINT  NOT NULL,
    finished   BOOLEAN NOT NULL,
    hidden_ms  BIGINT  NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, video_id),
    KEY history_list (user_id, at_ms, video_id, hidden_ms)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Up to when a user's whole history is forgotten. Whoever changes what a user has watched locks the user's row first.
CREATE TABLE history_marks (
    user_id    BIGINT NOT NULL,
    cleared_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- How a video was watched: by the sessions that count, of which archived are no longer in watch_sessions. heat is the
-- weight of its likes and finishes, each of which weighs half as much as one a half-life later: it orders videos the same at any time
-- (package heat). 0: it has none.
CREATE TABLE video_watches (
    video_id          BIGINT NOT NULL,
    author_id         BIGINT NOT NULL,
    views             BIGINT NOT NULL DEFAULT 0,
    finishes          BIGINT NOT NULL DEFAULT 0,
    watched_ms        BIGINT NOT NULL DEFAULT 0,
    archived_views    BIGINT NOT NULL DEFAULT 0,
    archived_finishes BIGINT NOT NULL DEFAULT 0,
    archived_ms       BIGINT NOT NULL DEFAULT 0,
    heat              DOUBLE NOT NULL DEFAULT 0,
    PRIMARY KEY (video_id),
    KEY video_watches_author (author_id),
    KEY video_watches_heat (heat)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What an author got in a day (days since 1970, UTC).
CREATE TABLE author_days (
    author_id BIGINT NOT NULL,
    day       BIGINT NOT NULL,
    views     BIGINT NOT NULL DEFAULT 0,
    finishes  BIGINT NOT NULL DEFAULT 0,
    likes     BIGINT NOT NULL DEFAULT 0,
    followers BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (author_id, day)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The feeds of users who follow many, each with its newest videos. used_ms is when it was last read: one that nobody reads goes.
CREATE TABLE timelines (
    user_id  BIGINT NOT NULL,
    built_ms BIGINT NOT NULL,
    used_ms  BIGINT NOT NULL,
    PRIMARY KEY (user_id),
    KEY timelines_used (used_ms)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE timeline_videos (
    user_id      BIGINT NOT NULL,
    published_ms BIGINT NOT NULL,
    video_id     BIGINT NOT NULL,
    author_id    BIGINT NOT NULL,
    PRIMARY KEY (user_id, published_ms, video_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What timelines have to follow: a video that was listed (video_id), or a user who began or ended to follow an author (video_id 0). It is
-- written with the change and removed when all timelines have it; after_user_id is how far the author's followers have been gone through.
CREATE TABLE fanouts (
    video_id      BIGINT NOT NULL,
    user_id       BIGINT NOT NULL,
    author_id     BIGINT NOT NULL,
    after_user_id BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (video_id, user_id, author_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- +goose Down
DROP TABLE fanouts;
DROP TABLE timeline_videos;
DROP TABLE timelines;
DROP TABLE author_days;
DROP TABLE video_watches;
DROP TABLE history_marks;
DROP TABLE history;
DROP TABLE watch_sessions;
DROP TABLE index_reports;
DROP TABLE index_jobs;
DROP TABLE leases;
DROP TABLE backfills;
DROP TABLE likes;
DROP TABLE follows;
DROP TABLE trending_tags;
DROP TABLE video_tags;
DROP TABLE tags;
DROP TABLE users;
DROP TABLE videos;
DROP TABLE catalogue_clock;
