-- +goose Up
-- One row: the number of the last change of a video, user or tag. Who changes some locks it first, so numbers have the order of commits.
CREATE TABLE catalogue_clock (
    id  INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;
INSERT INTO catalogue_clock (id, seq) VALUES (1, 0);

-- The videos that are listed. tags are those of the title, separated by spaces. likes is a copy for ranking, which may lag. One that was
-- deleted keeps its row for a while (gone_ms), so that what comes late does not bring it back.
CREATE TABLE videos (
    id           INTEGER NOT NULL,
    author_id    INTEGER NOT NULL,
    title        TEXT    NOT NULL DEFAULT '',
    tags         TEXT    NOT NULL DEFAULT '',
    published_ms INTEGER NOT NULL,
    likes        INTEGER NOT NULL DEFAULT 0,
    gone_ms      INTEGER NOT NULL DEFAULT 0,
    changed_seq  INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;
CREATE INDEX videos_changed ON videos (changed_seq);
CREATE INDEX videos_gone ON videos (gone_ms) WHERE gone_ms > 0;
CREATE INDEX videos_author ON videos (author_id, published_ms);
CREATE INDEX videos_published ON videos (published_ms);

-- The users. followers is a copy for ranking, which may lag. seq as in follows.
CREATE TABLE users (
    id          INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    shown_name  TEXT    NOT NULL DEFAULT '',
    followers   INTEGER NOT NULL DEFAULT 0,
    gone_ms     INTEGER NOT NULL DEFAULT 0,
    seq         INTEGER NOT NULL,
    changed_seq INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;
CREATE INDEX users_changed ON users (changed_seq);
CREATE INDEX users_gone ON users (gone_ms) WHERE gone_ms > 0;

-- The tags, in the form of tags.Key. videos is how many rows each has in video_tags.
CREATE TABLE tags (
    tag         TEXT    NOT NULL,
    videos      INTEGER NOT NULL,
    changed_seq INTEGER NOT NULL,
    PRIMARY KEY (tag)
) WITHOUT ROWID;
CREATE INDEX tags_changed ON tags (changed_seq);

-- Which listed videos have a tag, in the order of their pages.
CREATE TABLE video_tags (
    tag          TEXT    NOT NULL,
    published_ms INTEGER NOT NULL,
    video_id     INTEGER NOT NULL,
    PRIMARY KEY (tag, published_ms, video_id)
) WITHOUT ROWID;

-- The tags of the hour, replaced as a whole.
CREATE TABLE trending_tags (
    position INTEGER NOT NULL,
    tag      TEXT    NOT NULL,
    score    DOUBLE  NOT NULL,
    PRIMARY KEY (position)
) WITHOUT ROWID;

-- Who follows whom. One that ended keeps its row for a while, so that an older message that comes late is known to be old: seq is the newest
-- message that was applied, 0: it was read from the social service.
CREATE TABLE follows (
    user_id    INTEGER NOT NULL,
    to_user_id INTEGER NOT NULL,
    following  BOOLEAN NOT NULL,
    at_ms      INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    PRIMARY KEY (user_id, to_user_id)
) WITHOUT ROWID;
CREATE INDEX follows_to ON follows (to_user_id, following, user_id);

-- Likes of late, which feeds and the statistics of authors are made of. seq as in follows.
CREATE TABLE likes (
    user_id   INTEGER NOT NULL,
    video_id  INTEGER NOT NULL,
    author_id INTEGER NOT NULL,
    liked     BOOLEAN NOT NULL,
    at_ms     INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    PRIMARY KEY (user_id, video_id)
) WITHOUT ROWID;
CREATE INDEX likes_user ON likes (user_id, liked, at_ms);
CREATE INDEX likes_video ON likes (video_id, liked, at_ms);

-- How far what was there before the service has been read. after_a and after_b are the key of the last row; done_ms 0: it goes on.
CREATE TABLE backfills (
    name       TEXT    NOT NULL,
    after_a    INTEGER NOT NULL DEFAULT 0,
    after_b    INTEGER NOT NULL DEFAULT 0,
    rows_read  INTEGER NOT NULL DEFAULT 0,
    started_ms INTEGER NOT NULL DEFAULT 0,
    done_ms    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (name)
) WITHOUT ROWID;

-- Who does what only one process may do, and until when the others leave it to them.
CREATE TABLE leases (
    name     TEXT    NOT NULL,
    holder   TEXT    NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;

-- What processes are asked to do with their index, and how far each is.
CREATE TABLE index_jobs (
    id            INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    created_at_ms INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE TABLE index_reports (
    job_id     INTEGER NOT NULL,
    replica    TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    done_docs  INTEGER NOT NULL DEFAULT 0,
    total_docs INTEGER NOT NULL DEFAULT 0,
    message    TEXT    NOT NULL DEFAULT '',
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (job_id, replica)
) WITHOUT ROWID;

-- The sessions of watching that count as views, each once, until they are archived in video_watches. at_ms is when it was last told of.
CREATE TABLE watch_sessions (
    video_id   INTEGER NOT NULL,
    user_id    INTEGER NOT NULL,
    session    TEXT    NOT NULL,
    watched_ms INTEGER NOT NULL,
    finished   BOOLEAN NOT NULL,
    at_ms      INTEGER NOT NULL,
    PRIMARY KEY (video_id, user_id, session)
) WITHOUT ROWID;
CREATE INDEX watch_sessions_at ON watch_sessions (at_ms);

-- The last time that a user watched a video, for the history and what feeds leave out. hidden_ms: up to when it is forgotten.
CREATE TABLE history (
    user_id    INTEGER NOT NULL,
    video_id   INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    watched_ms INTEGER NOT NULL,
    finished   BOOLEAN NOT NULL,
    hidden_ms  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, video_id)
) WITHOUT ROWID;
CREATE INDEX history_list ON history (user_id, at_ms, video_id, hidden_ms);

-- Up to when a user's whole history is forgotten. Whoever changes what a user has watched locks the user's row first.
CREATE TABLE history_marks (
    user_id    INTEGER NOT NULL,
    cleared_ms INTEGER NOT NULL,
    PRIMARY KEY (user_id)
) WITHOUT ROWID;

-- How a video was watched: by the sessions that count, of which archived are no longer in watch_sessions. heat is the
-- weight of its likes and finishes, each of which weighs half as much as one a half-life later: it orders videos the same at any time
-- (package heat). 0: it has none.
CREATE TABLE video_watches (
    video_id          INTEGER NOT NULL,
    author_id         INTEGER NOT NULL,
    views             INTEGER NOT NULL DEFAULT 0,
    finishes          INTEGER NOT NULL DEFAULT 0,
    watched_ms        INTEGER NOT NULL DEFAULT 0,
    archived_views    INTEGER NOT NULL DEFAULT 0,
    archived_finishes INTEGER NOT NULL DEFAULT 0,
    archived_ms       INTEGER NOT NULL DEFAULT 0,
    heat              DOUBLE  NOT NULL DEFAULT 0,
    PRIMARY KEY (video_id)
) WITHOUT ROWID;
CREATE INDEX video_watches_author ON video_watches (author_id);
CREATE INDEX video_watches_heat ON video_watches (heat);

-- What an author got in a day (days since 1970, UTC).
CREATE TABLE author_days (
    author_id INTEGER NOT NULL,
    day       INTEGER NOT NULL,
    views     INTEGER NOT NULL DEFAULT 0,
    finishes  INTEGER NOT NULL DEFAULT 0,
    likes     INTEGER NOT NULL DEFAULT 0,
    followers INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (author_id, day)
) WITHOUT ROWID;

-- The feeds of users who follow many, each with its newest videos. used_ms is when it was last read: one that nobody reads goes.
CREATE TABLE timelines (
    user_id  INTEGER NOT NULL,
    built_ms INTEGER NOT NULL,
    used_ms  INTEGER NOT NULL,
    PRIMARY KEY (user_id)
) WITHOUT ROWID;
CREATE INDEX timelines_used ON timelines (used_ms);

CREATE TABLE timeline_videos (
    user_id      INTEGER NOT NULL,
    published_ms INTEGER NOT NULL,
    video_id     INTEGER NOT NULL,
    author_id    INTEGER NOT NULL,
    PRIMARY KEY (user_id, published_ms, video_id)
) WITHOUT ROWID;

-- What timelines have to follow: a video that was listed (video_id), or a user who began or ended to follow an author (video_id 0). It is
-- written with the change and removed when all timelines have it; after_user_id is how far the author's followers have been gone through.
CREATE TABLE fanouts (
    video_id      INTEGER NOT NULL,
    user_id       INTEGER NOT NULL,
    author_id     INTEGER NOT NULL,
    after_user_id INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (video_id, user_id, author_id)
) WITHOUT ROWID;

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
