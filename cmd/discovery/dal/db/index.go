package db

import (
	"context"
	"fmt"

	"tiktok/pkg/sqldb"
)

// IndexVideo is a video as the index shows it: with the names of its author, and how often it was viewed.
type IndexVideo struct {
	Video
	AuthorName      string `gorm:"column:author_name"`
	AuthorShownName string `gorm:"column:author_shown_name"`
	Views           int64  `gorm:"column:views"`
}

// CatalogueChanges are rows of the catalogue, each table in the order of its changes.
type CatalogueChanges struct {
	Videos []IndexVideo
	Users  []User
	Tags   []Tag
}

const (
	indexVideoSQL = `SELECT v.id, v.author_id, v.title, v.tags, v.published_ms, v.likes, v.gone_ms, v.changed_seq,
		COALESCE(u.name, '') AS author_name, COALESCE(u.shown_name, '') AS author_shown_name, COALESCE(w.views, 0) AS views
		FROM videos v LEFT JOIN users u ON u.id = v.author_id LEFT JOIN video_watches w ON w.video_id = v.id WHERE `
	indexUserSQL = "SELECT id, name, shown_name, followers, gone_ms, changed_seq FROM users WHERE "
	indexTagSQL  = "SELECT tag, videos, changed_seq FROM tags WHERE "

	changedVideosSQL = indexVideoSQL + "v.changed_seq > ? AND v.changed_seq <= ? ORDER BY v.changed_seq, v.id LIMIT ?"
	changedUsersSQL  = indexUserSQL + "changed_seq > ? AND changed_seq <= ? ORDER BY changed_seq, id LIMIT ?"
	changedTagsSQL   = indexTagSQL + "changed_seq > ? AND changed_seq <= ? ORDER BY changed_seq, tag LIMIT ?"
	videosAfterSQL   = indexVideoSQL + "v.id > ? AND v.gone_ms = 0 ORDER BY v.id LIMIT ?"
	usersAfterSQL    = indexUserSQL + "id > ? AND gone_ms = 0 ORDER BY id LIMIT ?"
	tagsAfterSQL     = indexTagSQL + "tag > ? AND videos > 0 ORDER BY tag LIMIT ?"
)

// CatalogueSeq is the number of the newest change of the catalogue. All up to it are committed.
func (s *Store) CatalogueSeq(ctx context.Context) (seq int64, err error) {
	if err := s.Read.WithContext(ctx).Raw("SELECT seq FROM catalogue_clock WHERE id = 1").Scan(&seq).Error; err != nil {
		return 0, fmt.Errorf("clock of the catalogue: %w", sqldb.Translate(err))
	}
	return seq, nil
}

// CatalogueSince reads what changed after a number: up to limit rows of each table, and up to which number that is all. A row that changed
// several times is there once, as it is now. The rows of one number are not divided, even when they are more than limit. upTo is below
// after only when the catalogue is another one than the number is from.
func (s *Store) CatalogueSince(ctx context.Context, after int64, limit int) (c CatalogueChanges, upTo int64, err error) {
	// Numbers are in the order of commits: below this one nothing comes any more. Tables are read one after the other.
	if upTo, err = s.CatalogueSeq(ctx); err != nil || upTo <= after {
		return CatalogueChanges{}, upTo, err
	}
	first := upTo // of the numbers that were found
	cut := func(n int, seq func(i int) int64) {
		if n > 0 {
			first = min(first, seq(0))
		}
		if n > limit {
			upTo = min(upTo, seq(limit)-1)
		}
	}
	if err = s.catalogueBetween(ctx, after, upTo, limit+1, &c); err != nil {
		return CatalogueChanges{}, 0, err
	}
	cut(len(c.Videos), func(i int) int64 { return c.Videos[i].ChangedSeq })
	cut(len(c.Users), func(i int) int64 { return c.Users[i].ChangedSeq })
	cut(len(c.Tags), func(i int) int64 { return c.Tags[i].ChangedSeq })
	if upTo < first { // more than limit rows have the first number
		upTo = first
		c = CatalogueChanges{}
		if err = s.catalogueBetween(ctx, after, upTo, sameSeq, &c); err != nil {
			return CatalogueChanges{}, 0, err
		}
	}
	c.Videos = upToSeq(c.Videos, upTo, func(v IndexVideo) int64 { return v.ChangedSeq })
	c.Users = upToSeq(c.Users, upTo, func(u User) int64 { return u.ChangedSeq })
	c.Tags = upToSeq(c.Tags, upTo, func(t Tag) int64 { return t.ChangedSeq })
	return c, upTo, nil
}

// sameSeq bounds the rows that have one number.
const sameSeq = 100_000

func (s *Store) catalogueBetween(ctx context.Context, after, upTo int64, limit int, c *CatalogueChanges) (err error) {
	if c.Videos, err = scan[IndexVideo](ctx, s, changedVideosSQL, after, upTo, limit); err != nil {
		return err
	}
	if c.Users, err = scan[User](ctx, s, changedUsersSQL, after, upTo, limit); err != nil {
		return err
	}
	c.Tags, err = scan[Tag](ctx, s, changedTagsSQL, after, upTo, limit)
	return err
}

// upToSeq is the beginning of rows, which are in the order of their numbers.
func upToSeq[T any](rows []T, upTo int64, seq func(T) int64) []T {
	n := len(rows)
	for n > 0 && seq(rows[n-1]) > upTo {
		n--
	}
	return rows[:n]
}

func scan[T any](ctx context.Context, s *Store, query string, args ...any) ([]T, error) {
	rows, err := sqldb.Rows[T]{Query: s.Read.WithContext(ctx).Raw(query, args...)}.All()
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	return rows, nil
}

// IndexVideosAfter reads up to limit videos that are not gone, behind an id, in the order of ids.
func (s *Store) IndexVideosAfter(ctx context.Context, after int64, limit int) ([]IndexVideo, error) {
	return scan[IndexVideo](ctx, s, videosAfterSQL, after, limit)
}

// IndexUsersAfter reads up to limit users that are not gone, behind an id, in the order of ids.
func (s *Store) IndexUsersAfter(ctx context.Context, after int64, limit int) ([]User, error) {
	return scan[User](ctx, s, usersAfterSQL, after, limit)
}

// IndexTagsAfter reads up to limit tags that videos have, behind a tag, in the order of tags.
func (s *Store) IndexTagsAfter(ctx context.Context, after string, limit int) ([]Tag, error) {
	return scan[Tag](ctx, s, tagsAfterSQL, after, limit)
}

// CatalogueSize counts the videos, users and tags that an index has.
func (s *Store) CatalogueSize(ctx context.Context) (n int64, err error) {
	const query = "SELECT (SELECT COUNT(*) FROM videos WHERE gone_ms = 0) + (SELECT COUNT(*) FROM users WHERE gone_ms = 0) + " +
		"(SELECT COUNT(*) FROM tags WHERE videos > 0)"
	if err := s.Read.WithContext(ctx).Raw(query).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("size of the catalogue: %w", sqldb.Translate(err))
	}
	return n, nil
}

// AllVideosFrom reads up to limit videos, also those that are gone, from an id on, in the order of ids.
func (s *Store) AllVideosFrom(ctx context.Context, from int64, limit int) ([]IndexVideo, error) {
	return scan[IndexVideo](ctx, s, indexVideoSQL+"v.id >= ? ORDER BY v.id LIMIT ?", from, limit)
}

// AllUsersFrom reads up to limit users, also those that are gone, from an id on, in the order of ids.
func (s *Store) AllUsersFrom(ctx context.Context, from int64, limit int) ([]User, error) {
	return scan[User](ctx, s, indexUserSQL+"id >= ? ORDER BY id LIMIT ?", from, limit)
}

// FoundVideos reads those of up to 1000 videos that are not gone, by id: what a hit of a search is shown and filtered by.
func (s *Store) FoundVideos(ctx context.Context, ids []int64) (map[int64]Video, error) {
	return found(ctx, s, ids, "FROM videos WHERE id IN ? AND gone_ms = 0", func(v Video) int64 { return v.ID })
}

// FoundUsers reads those of up to 1000 users that are not gone, by id.
func (s *Store) FoundUsers(ctx context.Context, ids []int64) (map[int64]User, error) {
	return found(ctx, s, ids, "FROM users WHERE id IN ? AND gone_ms = 0", func(u User) int64 { return u.ID })
}

func found[T any](ctx context.Context, s *Store, ids []int64, query string, key func(T) int64) (map[int64]T, error) {
	if len(ids) == 0 {
		return map[int64]T{}, nil
	}
	rows, err := sqldb.Map(sqldb.Select[T](s.Read.WithContext(ctx), query, ids), key)
	if err != nil {
		return nil, fmt.Errorf("read what was found: %w", err)
	}
	return rows, nil
}
