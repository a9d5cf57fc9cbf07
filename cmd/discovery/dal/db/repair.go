package db

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/pkg/sqldb"
)

// Repair makes rows of the catalogue what they shall be, whatever messages said: truth is called while nobody else changes the catalogue,
// and what it returns, at most MaxChanges, counts: what is not there any more is a video or user with GoneMs, a follow or like that does
// not stand. It returns how many rows were wrong. Messages about what happened before may still come: in the end they change nothing.
func (s *Store) Repair(ctx context.Context, truth func(ctx context.Context) (Changes, error), r Rules) (repaired int, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		clock, err := s.LockClock(tx)
		if err != nil {
			return err
		}
		c, err := truth(ctx)
		if err != nil {
			return err
		}
		c.sort()
		a := application{Store: s, tx: tx, clock: clock, rules: r, days: map[dayKey]AuthorDay{}, force: true}
		if err := a.apply(c); err != nil {
			return err
		}
		repaired = c.Len() - a.old
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("repair the catalogue: %w", err)
	}
	return repaired, nil
}

// UsersAfter reads up to limit users behind an id, by ascending id, also those that are gone.
func (s *Store) UsersAfter(ctx context.Context, after int64, limit int) ([]User, error) {
	return sqldb.Select[User](s.Read.WithContext(ctx), "FROM users WHERE id > ? ORDER BY id LIMIT ?", after, limit).All()
}

// VideosAfter reads up to limit videos behind an id, by ascending id, also those that are gone.
func (s *Store) VideosAfter(ctx context.Context, after int64, limit int) ([]Video, error) {
	return sqldb.Select[Video](s.Read.WithContext(ctx), "FROM videos WHERE id > ? ORDER BY id LIMIT ?", after, limit).All()
}

// UserRows reads users, at most maxRows.
func (s *Store) UserRows(ctx context.Context, ids []int64) (map[int64]User, error) {
	return sqldb.Map(sqldb.Select[User](s.Read.WithContext(ctx), "FROM users WHERE id IN ?", ids), func(u User) int64 { return u.ID })
}

// VideoRows reads videos, at most maxRows.
func (s *Store) VideoRows(ctx context.Context, ids []int64) (map[int64]Video, error) {
	return sqldb.Map(sqldb.Select[Video](s.Read.WithContext(ctx), "FROM videos WHERE id IN ?", ids), func(v Video) int64 { return v.ID })
}

// FollowRows reads follows, at most maxRows.
func (s *Store) FollowRows(ctx context.Context, keys []PairKey) (map[PairKey]Follow, error) {
	return pairRows(ctx, s, followTable(), keys, Follow.Key)
}

// LikeRows reads likes, at most maxRows.
func (s *Store) LikeRows(ctx context.Context, keys []PairKey) (map[PairKey]Like, error) {
	return pairRows(ctx, s, likeTable(), keys, Like.Key)
}

func pairRows[R any](ctx context.Context, s *Store, table sqldb.Keyed, keys []PairKey, key func(R) PairKey) (map[PairKey]R, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	numbers := make([][]int64, len(keys))
	for i, k := range keys {
		numbers[i] = []int64{k[0], k[1]}
	}
	read := s.Read.WithContext(ctx)
	return sqldb.Map(sqldb.Rows[R]{Query: table.Query(s.DB, read, numbers).Select(sqldb.Columns[R](read, "t"))}, key)
}

// WrongTag is a tag whose count is not how many videos are in its pages.
type WrongTag struct {
	Tag              string
	Count, PagesHave int64
}

// wrongCountsSQL reads tags with how many videos are in their pages, of one moment.
const wrongCountsSQL = `SELECT t.tag, t.videos AS count, (SELECT COUNT(*) FROM video_tags AS v WHERE v.tag = t.tag) AS pages_have
	FROM tags AS t WHERE t.tag > ? ORDER BY t.tag LIMIT ?`

// WrongTags looks at the tags behind one, at most maxRows, and returns those whose count is not how many videos are in their pages. It
// returns where to go on; done says that there are no more.
func (s *Store) WrongTags(ctx context.Context, after string) (wrong []WrongTag, next string, done bool, err error) {
	rows, err := sqldb.Rows[WrongTag]{Query: s.Read.WithContext(ctx).Raw(wrongCountsSQL, after, maxRows)}.All()
	if err != nil || len(rows) == 0 {
		return nil, after, true, err
	}
	for _, r := range rows {
		if r.Count != r.PagesHave {
			wrong = append(wrong, r)
		}
	}
	return wrong, rows[len(rows)-1].Tag, len(rows) < maxRows, nil
}

// WrongPages looks at videos, at most maxRows, and returns which of their tags do not have them in their pages.
func (s *Store) WrongPages(ctx context.Context, videos []Video) (missing []VideoTag, err error) {
	found, err := s.videoTags(s.Read.WithContext(ctx), TagsOf(videos))
	if err != nil {
		return nil, err
	}
	for _, t := range TagsOf(videos) {
		if !found[t] {
			missing = append(missing, t)
		}
	}
	return missing, nil
}

func (s *Store) videoTags(from *gorm.DB, wanted []VideoTag) (map[VideoTag]bool, error) {
	found := map[VideoTag]bool{}
	for part := range slices.Chunk(wanted, maxTagKeys) {
		where, args := tagKeys(part)
		err := sqldb.Select[VideoTag](from, "FROM video_tags WHERE "+where, args...).Each(func(t VideoTag) { found[t] = true })
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// extraPagesSQL reads what is in pages of tags behind a place, with the tags of the video, empty for one that is not listed.
const extraPagesSQL = `SELECT p.tag, p.published_ms, p.video_id, COALESCE(v.tags, '') AS tags FROM (
		SELECT tag, published_ms, video_id FROM video_tags WHERE tag >= ?
			AND (tag > ? OR published_ms > ? OR (published_ms = ? AND video_id > ?)) ORDER BY tag, published_ms, video_id LIMIT ?) AS p
	LEFT JOIN videos AS v ON v.id = p.video_id AND v.gone_ms = 0 AND v.published_ms = p.published_ms
	ORDER BY p.tag, p.published_ms, p.video_id`

// ExtraPages looks at what is in the pages of tags behind a place, at most maxRows, and returns what does not belong there. It returns
// where to go on; done says that there is no more.
func (s *Store) ExtraPages(ctx context.Context, after VideoTag) (extra []VideoTag, next VideoTag, done bool, err error) {
	type row struct {
		Tag                  string
		PublishedMs, VideoID int64
		Tags                 string
	}
	query := s.Read.WithContext(ctx).Raw(extraPagesSQL,
		after.Tag, after.Tag, after.PublishedMs, after.PublishedMs, after.VideoID, maxRows)
	rows, err := sqldb.Rows[row]{Query: query}.All()
	if err != nil || len(rows) == 0 {
		return nil, after, true, err
	}
	for _, r := range rows {
		next = VideoTag{Tag: r.Tag, PublishedMs: r.PublishedMs, VideoID: r.VideoID}
		of := TagsOf([]Video{{ID: r.VideoID, PublishedMs: r.PublishedMs, Tags: r.Tags}})
		if !slices.Contains(of, next) {
			extra = append(extra, next)
		}
	}
	return extra, next, len(rows) < maxRows, nil
}

// RepairTags puts videos into the pages of the tags that they have, takes them out of those of others, and counts these tags again. Entries
// and tags are at most maxRows each.
func (s *Store) RepairTags(ctx context.Context, entries []VideoTag, tags []string) error {
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		clock, err := s.LockClock(tx)
		if err != nil {
			return err
		}
		ids := make([]int64, len(entries))
		recount := map[string]bool{}
		for i, e := range entries {
			ids[i], recount[e.Tag] = e.VideoID, true
		}
		for _, tag := range tags {
			recount[tag] = true
		}
		videos, err := sqldb.Select[Video](tx, "FROM videos WHERE id IN ? AND gone_ms = 0", append(ids, 0)).All()
		if err != nil {
			return err
		}
		wanted := map[VideoTag]bool{}
		for _, t := range TagsOf(videos) {
			wanted[t] = true
		}
		var add, remove []VideoTag
		for _, e := range entries {
			if wanted[e] {
				add = append(add, e)
			} else {
				remove = append(remove, e)
			}
		}
		if len(add) > 0 {
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&add).Error; err != nil {
				return err
			}
		}
		if err := deleteTags(tx, remove); err != nil {
			return err
		}
		return recountTags(tx, clock, slices.Sorted(maps.Keys(recount)))
	})
	if err != nil {
		return fmt.Errorf("repair tags: %w", err)
	}
	return nil
}

func recountTags(tx *gorm.DB, clock *Clock, tags []string) error {
	for part := range slices.Chunk(tags, maxRows) {
		rows := make([]Tag, len(part))
		place := make(map[string]int, len(part))
		for i, tag := range part {
			rows[i], place[tag] = Tag{Tag: tag, ChangedSeq: clock.Next()}, i
		}
		type row struct {
			Tag    string
			Videos int64
		}
		query := tx.Raw("SELECT tag, COUNT(*) AS videos FROM video_tags WHERE tag IN ? GROUP BY tag", part)
		if err := (sqldb.Rows[row]{Query: query}).Each(func(r row) { rows[place[r.Tag]].Videos = r.Videos }); err != nil {
			return err
		}
		set := clause.AssignmentColumns([]string{"videos", "changed_seq"})
		if err := tx.Clauses(sqldb.Upsert(set, "tag")).Create(&rows).Error; err != nil {
			return err
		}
	}
	return clock.Save(tx)
}
