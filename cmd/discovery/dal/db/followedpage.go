package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tiktok/pkg/sqldb"
)

// FollowedPage asks for the newest videos, after a place, of those whom a user follows.
type FollowedPage struct {
	UserID int64
	Before Place
	Limit  int
}

// A page of those whom many users follow is two statements, whose text grows by a line for each page: what is read of an author begins
// at a place in the index of authors, and ends before the most that a page can have of one.
const (
	// asksSQL is one page of the table k: its number, user and place, and from when on its videos are.
	asksSQL = `SELECT CAST(? AS SIGNED) AS ask, CAST(? AS SIGNED) AS user_id, CAST(? AS SIGNED) AS ms, CAST(? AS SIGNED) AS id,
		CAST(? AS SIGNED) AS since_ms`
	// headsSQL is the time of the newest video of each author; -1 when there is none.
	headsSQL = `SELECT k.ask AS ask, f.to_user_id AS author_id, COALESCE((SELECT v.published_ms FROM videos AS v
		WHERE v.author_id = f.to_user_id AND v.gone_ms = 0 AND v.published_ms <= k.ms AND (v.published_ms < k.ms OR v.id < k.id)
		ORDER BY v.published_ms DESC LIMIT 1), -1) AS published_ms
		FROM (%s) AS k JOIN follows AS f ON f.user_id = k.user_id AND f.following = ?`
	// followedSQL is the videos since then, of an author as many as a page has.
	followedSQL = `SELECT k.ask AS ask, v.author_id AS author_id, v.published_ms AS published_ms, v.id AS video_id
		FROM (%s) AS k JOIN follows AS f ON f.user_id = k.user_id AND f.following = ?
		JOIN videos AS v ON v.author_id = f.to_user_id AND v.gone_ms = 0 AND v.published_ms <= k.ms AND v.published_ms >= k.since_ms
			AND (v.published_ms < k.ms OR v.id < k.id)
		WHERE v.published_ms >= COALESCE((SELECT p.published_ms FROM videos AS p
			WHERE p.author_id = f.to_user_id AND p.gone_ms = 0 AND p.published_ms <= k.ms AND (p.published_ms < k.ms OR p.id < k.id)
			ORDER BY p.published_ms DESC LIMIT 1 OFFSET ?), 0)`
)

// FollowedPages answers each of at most maxUnion pages, newest first: what Pulled finds of those whom the user follows, who should be few
// hundred. Two statements.
func (s *Store) FollowedPages(ctx context.Context, pages []FollowedPage) ([][]ByAuthor, error) {
	found := make([][]ByAuthor, len(pages))
	if len(pages) == 0 {
		return found, nil
	}
	since, most := make([]int64, len(pages)), 0
	for _, p := range pages {
		most = max(most, p.Limit)
	}
	heads := make([][]int64, len(pages))
	err := s.ofFollowed(ctx, headsSQL, pages, since, nil, func(r pulled) {
		if r.PublishedMs >= 0 {
			heads[r.Ask] = append(heads[r.Ask], r.PublishedMs)
		}
	})
	if err != nil {
		return nil, err
	}
	for i, times := range heads { // so many authors have a video since then that no older one is on the page
		if limit := pages[i].Limit; len(times) >= limit {
			slices.SortFunc(times, func(a, b int64) int { return cmp.Compare(b, a) })
			since[i] = times[limit-1]
		}
	}
	err = s.ofFollowed(ctx, followedSQL, pages, since, []any{most - 1}, func(r pulled) {
		found[r.Ask] = append(found[r.Ask], ByAuthor{Place: Place{r.PublishedMs, r.VideoID}, AuthorID: r.AuthorID})
	})
	if err != nil {
		return nil, err
	}
	for i, p := range pages {
		found[i] = cut(found[i], p.Limit)
	}
	return found, nil
}

// ofFollowed calls each with the rows of a statement about pages.
func (s *Store) ofFollowed(ctx context.Context, query string, pages []FollowedPage, since []int64, more []any, each func(pulled)) error {
	args := make([]any, 0, 5*len(pages)+2)
	for i, p := range pages {
		args = append(args, i, p.UserID, p.Before.PublishedMs, p.Before.VideoID, since[i])
	}
	query = strings.Replace(query, "%s", sqldb.UnionAll(asksSQL, len(pages)), 1)
	args = append(append(args, true), more...)
	if err := (sqldb.Rows[pulled]{Query: s.Read.WithContext(ctx).Raw(query, args...)}).Each(each); err != nil {
		return fmt.Errorf("read the newest videos of those whom users follow: %w", err)
	}
	return nil
}
