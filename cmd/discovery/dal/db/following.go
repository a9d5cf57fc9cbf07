package db

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"tiktok/pkg/sqldb"
)

// Place is a place in a list of videos that has the newest first.
type Place struct{ PublishedMs, VideoID int64 }

// Newest is the place before the newest video.
func Newest() Place { return Place{PublishedMs: math.MaxInt64, VideoID: math.MaxInt64} }

// compare is negative when p comes before q.
func (p Place) compare(q Place) int {
	return cmp.Or(cmp.Compare(q.PublishedMs, p.PublishedMs), cmp.Compare(q.VideoID, p.VideoID))
}

// ByAuthor is a video of an author in its place.
type ByAuthor struct {
	Place
	AuthorID int64
}

// Pull asks for the newest videos of some authors, each there once, that come after a place.
type Pull struct {
	Authors []int64
	Before  Place
	Limit   int
}

// pullSQL are the newest videos of an author after a place: a part of the index of authors in its order.
const pullSQL = `SELECT * FROM (SELECT ? AS ask, author_id, published_ms, id AS video_id FROM videos
	WHERE author_id = ? AND published_ms <= ? AND (published_ms < ? OR id < ?) AND gone_ms = 0
	ORDER BY published_ms DESC, id DESC LIMIT ?) AS v`

// part asks for the newest videos of one author.
type part struct {
	ask    int
	author int64
	before Place
	limit  int
}

// pulled is a video that a part found.
type pulled struct {
	Ask         int
	AuthorID    int64
	PublishedMs int64
	VideoID     int64
}

// pullFirst is how many videos of an author are read at first.
const pullFirst = 31

// Pulled answers each of pulls with the newest videos that it asks for, newest first. It reads the newest one of each author, and then, of
// as many of these authors as a page has places, since no other can have one on the page, what the page may need: at most pullFirst videos
// at first, more only of an author that has so many among the newest. A statement asks about 500 authors.
func (s *Store) Pulled(ctx context.Context, pulls []Pull) ([][]ByAuthor, error) {
	var parts []part
	for i, p := range pulls {
		for _, a := range p.Authors {
			parts = append(parts, part{ask: i, author: a, before: p.Before, limit: 1})
		}
	}
	heads, err := s.pull(ctx, parts)
	if err != nil {
		return nil, err
	}
	parts = parts[:0]
	for i, p := range pulls {
		for _, head := range cut(heads[i], p.Limit) {
			parts = append(parts, part{ask: i, author: head.AuthorID, before: p.Before, limit: min(p.Limit, pullFirst)})
		}
	}
	found := make([][]ByAuthor, len(pulls))
	for len(parts) > 0 {
		more, err := s.pull(ctx, parts)
		if err != nil {
			return nil, err
		}
		type key struct {
			ask    int
			author int64
		}
		last, count := map[key]Place{}, map[key]int{}
		for i, rows := range more {
			for _, v := range rows {
				k := key{i, v.AuthorID}
				if count[k]++; count[k] == 1 || last[k].compare(v.Place) < 0 {
					last[k] = v.Place
				}
			}
			found[i] = cut(append(found[i], rows...), pulls[i].Limit)
		}
		var next []part
		for _, p := range parts { // an author may have more that belong to the page
			k, page := key{p.ask, p.author}, found[p.ask]
			full := len(page) == pulls[p.ask].Limit
			if count[k] == p.limit && p.limit < pulls[p.ask].Limit && (!full || last[k].compare(page[len(page)-1].Place) < 0) {
				next = append(next, part{ask: p.ask, author: p.author, before: last[k], limit: min(2*p.limit, pulls[p.ask].Limit)})
			}
		}
		parts = next
	}
	return found, nil
}

// cut sorts videos and leaves the newest.
func cut(videos []ByAuthor, limit int) []ByAuthor {
	slices.SortFunc(videos, func(a, b ByAuthor) int { return a.compare(b.Place) })
	return videos[:min(len(videos), limit)]
}

// Latest are the newest places, newest first, at most so many. It changes the order of all.
func Latest(all []Place, most int) []Place {
	slices.SortFunc(all, Place.compare)
	return all[:min(len(all), most)]
}

// NewestOf reads the newest videos of each author, at most so many, newest first. One statement for each 500 authors.
func (s *Store) NewestOf(ctx context.Context, authors []int64, limit int) (map[int64][]Place, error) {
	parts := make([]part, len(authors))
	for i, a := range authors {
		parts[i] = part{author: a, before: Newest(), limit: limit}
	}
	rows, err := s.pull(ctx, parts)
	found := make(map[int64][]Place, len(authors))
	for _, v := range rows[0] {
		found[v.AuthorID] = append(found[v.AuthorID], v.Place)
	}
	for _, places := range found {
		Latest(places, limit)
	}
	return found, err
}

// pull reads what parts ask for, by the number of the ask.
func (s *Store) pull(ctx context.Context, parts []part) (map[int][]ByAuthor, error) {
	keys := make([][]any, len(parts))
	for i, p := range parts {
		keys[i] = []any{p.ask, p.author, p.before.PublishedMs, p.before.PublishedMs, p.before.VideoID, p.limit}
	}
	found := map[int][]ByAuthor{}
	err := union(ctx, s, pullSQL, keys, func(r pulled) {
		found[r.Ask] = append(found[r.Ask], ByAuthor{Place: Place{r.PublishedMs, r.VideoID}, AuthorID: r.AuthorID})
	})
	if err != nil {
		return nil, fmt.Errorf("read the newest videos of authors: %w", err)
	}
	return found, nil
}

// TimelineVideo is a video in the timeline of a user.
type TimelineVideo struct {
	UserID      int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	PublishedMs int64 `gorm:"column:published_ms;primaryKey;autoIncrement:false"`
	VideoID     int64 `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	AuthorID    int64 `gorm:"column:author_id"`
}

// TableName is timeline_videos.
func (TimelineVideo) TableName() string { return "timeline_videos" }

// Timeline is that a user has one.
type Timeline struct {
	UserID int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	// BuiltMs is 0 for one that has to be built before it is read.
	BuiltMs int64 `gorm:"column:built_ms"`
	UsedMs  int64 `gorm:"column:used_ms"`
}

// TableName is timelines.
func (Timeline) TableName() string { return "timelines" }

// Timelines reads which users have one.
func (s *Store) Timelines(ctx context.Context, userIDs []int64) (map[int64]Timeline, error) {
	found := make(map[int64]Timeline, len(userIDs))
	for part := range slices.Chunk(userIDs, maxRows) {
		err := sqldb.Select[Timeline](s.Read.WithContext(ctx), "FROM timelines WHERE user_id IN ?", part).Each(func(t Timeline) {
			found[t.UserID] = t
		})
		if err != nil {
			return nil, fmt.Errorf("read timelines: %w", err)
		}
	}
	return found, nil
}

// TimelinePage asks for the videos of a timeline that come after a place.
type TimelinePage struct {
	UserID int64
	Before Place
	Limit  int
}

// timelineSQL is a page in the order of the primary key.
const timelineSQL = `SELECT * FROM (SELECT ? AS ask, author_id, published_ms, video_id FROM timeline_videos
	WHERE user_id = ? AND published_ms <= ? AND (published_ms < ? OR video_id < ?)
	ORDER BY published_ms DESC, video_id DESC LIMIT ?) AS t`

// TimelinePages reads pages of timelines, each newest first. What is gone meanwhile may be there.
func (s *Store) TimelinePages(ctx context.Context, pages []TimelinePage) ([][]ByAuthor, error) {
	keys := make([][]any, len(pages))
	for i, p := range pages {
		keys[i] = []any{i, p.UserID, p.Before.PublishedMs, p.Before.PublishedMs, p.Before.VideoID, p.Limit}
	}
	found := make([][]ByAuthor, len(pages))
	err := union(ctx, s, timelineSQL, keys, func(r pulled) {
		found[r.Ask] = append(found[r.Ask], ByAuthor{Place: Place{r.PublishedMs, r.VideoID}, AuthorID: r.AuthorID})
	})
	if err != nil {
		return nil, fmt.Errorf("read timelines: %w", err)
	}
	for i, p := range pages {
		found[i] = cut(found[i], p.Limit)
	}
	return found, nil
}
