package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"tiktok/pkg/sqldb"
)

// maxUnion is how many things one statement asks about, each by a SELECT of its own: SQLite takes 500.
const maxUnion = 500

// FeedVideo is a listed video with what feeds choose it by. Views, Finishes and Heat are 0 while nobody has watched it.
type FeedVideo struct {
	feedRow
	Views    int64
	Finishes int64
	Heat     float64
}

// feedRow is what the table of videos has of a FeedVideo.
type feedRow struct {
	ID          int64
	AuthorID    int64
	Tags        string
	PublishedMs int64
	Likes       int64
}

// watchedRow is what is known of how a video is watched.
type watchedRow struct {
	VideoID  int64
	Views    int64
	Finishes int64
	Heat     float64
}

// newestSQL are the newest listed videos that were published before a time; the few that are gone are left out on the way. MySQL would
// rather sort a whole table that is small.
func (s *Store) newestSQL() string {
	force := ""
	if !s.IsSQLite() {
		force = " FORCE INDEX (videos_published)"
	}
	return "FROM videos" + force + " WHERE published_ms < ? AND gone_ms = 0 ORDER BY published_ms DESC LIMIT ?"
}

// NewestVideos reads the newest videos that were published before a time, newest first.
func (s *Store) NewestVideos(ctx context.Context, beforeMs int64, limit int) ([]FeedVideo, error) {
	rows, err := sqldb.Select[feedRow](s.Read.WithContext(ctx), s.newestSQL(), beforeMs, limit).All()
	if err != nil {
		return nil, fmt.Errorf("read the newest videos: %w", err)
	}
	return s.withWatches(ctx, rows)
}

// OldestVideo reads when the oldest video was published, 0 when there is none.
func (s *Store) OldestVideo(ctx context.Context) (publishedMs int64, err error) {
	query := "SELECT COALESCE(MIN(published_ms), 0) FROM videos"
	if err := s.Read.WithContext(ctx).Raw(query).Scan(&publishedMs).Error; err != nil {
		return 0, fmt.Errorf("read when the oldest video was published: %w", err)
	}
	return publishedMs, nil
}

// hottestSQL are the hottest videos.
const hottestSQL = "FROM video_watches WHERE heat > 0 ORDER BY heat DESC LIMIT ?"

// HottestVideos reads the hottest videos that are listed, hottest first: of as many as limit, those that are not gone.
func (s *Store) HottestVideos(ctx context.Context, limit int) ([]FeedVideo, error) {
	hot, err := sqldb.Select[watchedRow](s.Read.WithContext(ctx), hottestSQL, limit).All()
	if err != nil {
		return nil, fmt.Errorf("read the hottest videos: %w", err)
	}
	ids := make([]int64, len(hot))
	for i, h := range hot {
		ids[i] = h.VideoID
	}
	found, err := s.FeedVideos(ctx, ids)
	if err != nil {
		return nil, err
	}
	videos := make([]FeedVideo, 0, len(hot))
	for _, id := range ids {
		if v, ok := found[id]; ok {
			videos = append(videos, v)
		}
	}
	return videos, nil
}

// FeedVideos reads videos by id; those that are not listed are missing. Two statements for each 1000.
func (s *Store) FeedVideos(ctx context.Context, ids []int64) (map[int64]FeedVideo, error) {
	found := make(map[int64]FeedVideo, len(ids))
	for part := range slices.Chunk(ids, maxRows) {
		rows, err := sqldb.Select[feedRow](s.Read.WithContext(ctx), "FROM videos WHERE id IN ? AND gone_ms = 0", part).All()
		if err != nil {
			return nil, fmt.Errorf("read videos: %w", err)
		}
		videos, err := s.withWatches(ctx, rows)
		if err != nil {
			return nil, err
		}
		for _, v := range videos {
			found[v.ID] = v
		}
	}
	return found, nil
}

// withWatches adds how videos are watched.
func (s *Store) withWatches(ctx context.Context, rows []feedRow) ([]FeedVideo, error) {
	watched := make(map[int64]watchedRow, len(rows))
	for part := range slices.Chunk(rows, maxRows) {
		ids := make([]int64, len(part))
		for i, r := range part {
			ids[i] = r.ID
		}
		err := sqldb.Select[watchedRow](s.Read.WithContext(ctx), "FROM video_watches WHERE video_id IN ?", ids).Each(func(w watchedRow) {
			watched[w.VideoID] = w
		})
		if err != nil {
			return nil, fmt.Errorf("read how videos are watched: %w", err)
		}
	}
	videos := make([]FeedVideo, len(rows))
	for i, r := range rows {
		w := watched[r.ID]
		videos[i] = FeedVideo{feedRow: r, Views: w.Views, Finishes: w.Finishes, Heat: w.Heat}
	}
	return videos, nil
}

// union reads what one statement finds of each key, in one statement for each 500 keys.
func union[T any](ctx context.Context, s *Store, query string, keys [][]any, each func(T)) error {
	for part := range slices.Chunk(keys, maxUnion) {
		var args []any
		for _, key := range part {
			args = append(args, key...)
		}
		err := sqldb.Rows[T]{Query: s.Read.WithContext(ctx).Raw(sqldb.UnionAll(query, len(part)), args...)}.Each(each)
		if err != nil {
			return err
		}
	}
	return nil
}

// likedSQL are the newest likes of a user, likersSQL those of a video.
const (
	likedSQL = `SELECT * FROM (SELECT user_id, video_id, at_ms FROM likes WHERE user_id = ? AND liked = ?
		ORDER BY at_ms DESC LIMIT ?) AS l`
	likersSQL = `SELECT * FROM (SELECT user_id, video_id, at_ms FROM likes WHERE video_id = ? AND liked = ?
		ORDER BY at_ms DESC LIMIT ?) AS l`
)

// likeRow is a like.
type likeRow struct{ UserID, VideoID, AtMs int64 }

// LikedVideos reads the newest likes of each user, the last first.
func (s *Store) LikedVideos(ctx context.Context, userIDs []int64, limit int) (map[int64][]int64, error) {
	liked := make(map[int64][]int64, len(userIDs))
	err := s.likes(ctx, likedSQL, userIDs, limit, func(r likeRow) { liked[r.UserID] = append(liked[r.UserID], r.VideoID) })
	return liked, err
}

// Likers reads who liked each video last, the last first.
func (s *Store) Likers(ctx context.Context, videoIDs []int64, limit int) (map[int64][]int64, error) {
	likers := make(map[int64][]int64, len(videoIDs))
	err := s.likes(ctx, likersSQL, videoIDs, limit, func(r likeRow) { likers[r.VideoID] = append(likers[r.VideoID], r.UserID) })
	return likers, err
}

// likes calls each with the likes that a statement finds, the last first.
func (s *Store) likes(ctx context.Context, query string, ids []int64, limit int, each func(likeRow)) error {
	keys := make([][]any, len(ids))
	for i, id := range ids {
		keys[i] = []any{id, true, limit}
	}
	var rows []likeRow
	if err := union(ctx, s, query, keys, func(r likeRow) { rows = append(rows, r) }); err != nil {
		return fmt.Errorf("read likes: %w", err)
	}
	slices.SortFunc(rows, func(a, b likeRow) int { return cmp.Compare(b.AtMs, a.AtMs) }) // no database promises the order of a union
	for _, r := range rows {
		each(r)
	}
	return nil
}

// WatchedVideo is a video of a history.
type WatchedVideo struct {
	UserID   int64
	VideoID  int64
	AtMs     int64
	Finished bool
}

// watchedSQL are the newest rows of a user's history.
const watchedSQL = `SELECT * FROM (SELECT user_id, video_id, at_ms, finished FROM history
	WHERE user_id = ? AND at_ms > COALESCE((SELECT cleared_ms FROM history_marks WHERE user_id = ?), 0) AND at_ms > hidden_ms
	ORDER BY at_ms DESC LIMIT ?) AS h`

// WatchedVideos reads what users watched last.
func (s *Store) WatchedVideos(ctx context.Context, userIDs []int64, limit int) (map[int64][]WatchedVideo, error) {
	watched := make(map[int64][]WatchedVideo, len(userIDs))
	keys := make([][]any, len(userIDs))
	for i, id := range userIDs {
		keys[i] = []any{id, id, limit}
	}
	err := union(ctx, s, watchedSQL, keys, func(w WatchedVideo) { watched[w.UserID] = append(watched[w.UserID], w) })
	if err != nil {
		return nil, fmt.Errorf("read histories: %w", err)
	}
	return watched, nil
}

// followsSQL are some whom a user follows.
const followsSQL = "SELECT * FROM (SELECT user_id, to_user_id FROM follows WHERE user_id = ? AND following = ? LIMIT ?) AS f"

// Followed reads whom users follow, in ascending order, up to limit each.
func (s *Store) Followed(ctx context.Context, userIDs []int64, limit int) (map[int64][]int64, error) {
	type row struct{ UserID, ToUserID int64 }
	followed := make(map[int64][]int64, len(userIDs))
	keys := make([][]any, len(userIDs))
	for i, id := range userIDs {
		keys[i] = []any{id, true, limit}
	}
	err := union(ctx, s, followsSQL, keys, func(r row) { followed[r.UserID] = append(followed[r.UserID], r.ToUserID) })
	if err != nil {
		return nil, fmt.Errorf("read follows: %w", err)
	}
	for _, ids := range followed {
		slices.Sort(ids)
	}
	return followed, nil
}
