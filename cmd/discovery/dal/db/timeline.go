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

// A timeline is what Pulled would answer, written down. It is built when it is read for the first time, and kept up by fanouts: entries
// that the transaction which lists a video, or begins or ends a follow, writes, and that one process works off. Two rules make it exact,
// whatever runs at the same time:
//
//   - The row of the timeline is there, committed, before its builder reads follows and videos. So who works off an entry and finds no
//     timeline knows that its builder will see what the entry is about.
//   - Who fills or changes a timeline holds its row, and reads after that what is so now, not what an entry once said.

// Fanout is a change that timelines have to follow.
type Fanout struct {
	// VideoID is the video that was listed; 0: UserID began or ended to follow AuthorID.
	VideoID  int64 `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	UserID   int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	AuthorID int64 `gorm:"column:author_id;primaryKey;autoIncrement:false"`
	// AfterUserID is how far the followers have been gone through.
	AfterUserID int64 `gorm:"column:after_user_id"`
}

// TableName is fanouts.
func (Fanout) TableName() string { return "fanouts" }

// VideoFanout is that a video of an author is listed.
func VideoFanout(videoID, authorID int64) Fanout { return Fanout{VideoID: videoID, AuthorID: authorID} }

// FollowFanout is that a user began or ended to follow an author.
func FollowFanout(userID, authorID int64) Fanout { return Fanout{UserID: userID, AuthorID: authorID} }

// AddFanouts writes entries within the transaction that did what they are about, in a statement for each 1000.
func (s *Store) AddFanouts(tx *gorm.DB, entries []Fanout) error {
	for part := range slices.Chunk(entries, maxRows) {
		rows := slices.Clone(part)
		set := clause.AssignmentColumns([]string{"after_user_id"}) // once more from the beginning
		if err := tx.Clauses(sqldb.Upsert(set, "video_id", "user_id", "author_id")).Create(&rows).Error; err != nil {
			return fmt.Errorf("write what timelines have to follow: %w", err)
		}
	}
	return nil
}

// FanOut writes down what timelines have to follow of a change of the catalogue. It is a Within.
func (s *Store) FanOut(tx *gorm.DB, c *Changed) error {
	entries := make([]Fanout, 0, len(c.Listed)+len(c.FollowsBegan)+len(c.FollowsEnded))
	for _, v := range c.Listed {
		entries = append(entries, VideoFanout(v.ID, v.AuthorID))
	}
	for _, follows := range [][]Follow{c.FollowsBegan, c.FollowsEnded} {
		for _, one := range follows {
			entries = append(entries, FollowFanout(one.UserID, one.ToUserID))
		}
	}
	return s.AddFanouts(tx, entries)
}

const (
	// MaxTimelineFollows is of how many followed users a timeline is made; one who follows more has those of the smallest ids.
	MaxTimelineFollows = 10_000
	// fanoutVideos is of how many videos one step goes through followers, fanoutFollowers of each.
	fanoutVideos, fanoutFollowers = 20, 1000
)

// BuildTimeline makes the timeline of a user of at most size videos, unless it is there.
func (s *Store) BuildTimeline(ctx context.Context, userID, nowMs int64, size int) error {
	row := Timeline{UserID: userID, UsedMs: nowMs}
	if err := s.Write.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("begin a timeline: %w", err)
	}
	err := s.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.ForUpdate(tx).Take(&row, "user_id = ?", userID).Error; err != nil || row.BuiltMs != 0 {
			return err
		}
		followed, err := s.Followed(ctx, []int64{userID}, MaxTimelineFollows)
		if err != nil {
			return err
		}
		found, err := s.Pulled(ctx, []Pull{{Authors: followed[userID], Before: Newest(), Limit: size}})
		if err != nil {
			return err
		}
		if err := tx.Where("user_id = ?", userID).Delete(&TimelineVideo{}).Error; err != nil {
			return err
		}
		if err := addTimelineVideos(tx, timelineVideos(userID, found[0])); err != nil {
			return err
		}
		return tx.Model(&row).Update("built_ms", nowMs).Error
	})
	if err != nil {
		return fmt.Errorf("build a timeline: %w", err)
	}
	return nil
}

func timelineVideos(userID int64, videos []ByAuthor) []TimelineVideo {
	rows := make([]TimelineVideo, len(videos))
	for i, v := range videos {
		rows[i] = TimelineVideo{UserID: userID, PublishedMs: v.PublishedMs, VideoID: v.VideoID, AuthorID: v.AuthorID}
	}
	return rows
}

// addTimelineVideos adds rows; those that are there stay.
func addTimelineVideos(tx *gorm.DB, rows []TimelineVideo) error {
	for part := range slices.Chunk(rows, maxRows) {
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&part).Error; err != nil {
			return err
		}
	}
	return nil
}

// UseTimelines notes that timelines were read.
func (s *Store) UseTimelines(ctx context.Context, userIDs []int64, nowMs int64) error {
	if len(userIDs) == 0 {
		return nil
	}
	err := s.Write.WithContext(ctx).Model(&Timeline{}).Where("user_id IN ?", userIDs).Update("used_ms", nowMs).Error
	if err != nil {
		return fmt.Errorf("note that timelines are used: %w", err)
	}
	return nil
}

// PurgeTimelines removes up to limit timelines that nobody has read since a time.
func (s *Store) PurgeTimelines(ctx context.Context, beforeMs int64, limit int) (removed int64, done bool, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		var old []Timeline
		query := s.ForUpdate(tx).Where("used_ms < ?", beforeMs).Order("used_ms").Limit(limit)
		if err := query.Find(&old).Error; err != nil {
			return err
		}
		removed, done = int64(len(old)), len(old) < limit
		if len(old) == 0 {
			return nil
		}
		ids := make([]int64, len(old))
		for i, t := range old {
			ids[i] = t.UserID
		}
		if err := tx.Where("user_id IN ?", ids).Delete(&TimelineVideo{}).Error; err != nil {
			return err
		}
		return tx.Where("user_id IN ?", ids).Delete(&Timeline{}).Error
	})
	if err != nil {
		return 0, false, fmt.Errorf("remove old timelines: %w", err)
	}
	return removed, done, nil
}

// Fanout works off some entries: those of at most 1000 changes of follows and 20 videos, of each of which it goes through at most 1000
// followers. It reports whether there was anything to do. One process does so at a time; two do no harm.
func (s *Store) Fanout(ctx context.Context, size int) (worked bool, err error) {
	follows, err := sqldb.Select[Fanout](s.Read.WithContext(ctx), "FROM fanouts WHERE video_id = 0 LIMIT ?", maxRows).All()
	if err != nil {
		return false, fmt.Errorf("read changes for timelines: %w", err)
	}
	videos, err := sqldb.Select[Fanout](s.Read.WithContext(ctx), "FROM fanouts WHERE video_id > 0 LIMIT ?", maxRows).All()
	if err != nil {
		return false, fmt.Errorf("read changes for timelines: %w", err)
	}
	if len(follows)+len(videos) == 0 {
		return false, nil
	}
	if none, err := s.forNobody(ctx, follows, videos); err != nil || none {
		return none, err
	}
	videos = videos[:min(len(videos), fanoutVideos)]
	if len(follows) > 0 {
		if err := s.fanoutFollows(ctx, follows, size); err != nil {
			return false, fmt.Errorf("bring timelines up to changed follows: %w", err)
		}
	}
	if len(videos) > 0 {
		if err := s.fanoutVideos(ctx, videos, size); err != nil {
			return false, fmt.Errorf("bring timelines up to new videos: %w", err)
		}
	}
	return true, nil
}

// forNobody removes entries if nobody has a timeline: then whoever builds one reads what they are about.
func (s *Store) forNobody(ctx context.Context, all ...[]Fanout) (none bool, err error) {
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		for _, entries := range all { // both kinds, before it is looked
			if len(entries) == 0 {
				continue
			}
			if _, err := s.lockFanouts(tx, entries); err != nil {
				return err
			}
		}
		var some []Timeline
		if err := tx.Limit(1).Find(&some).Error; err != nil {
			return err
		}
		if none = len(some) == 0; !none {
			return nil
		}
		for _, entries := range all {
			if _, err := fanoutKey().Delete(s.DB, tx, fanoutKeys(entries)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("remove changes that no timeline has to follow: %w", err)
	}
	return none, nil
}

// fanoutKey reads entries by their key.
func fanoutKey() sqldb.Keyed {
	return sqldb.Keyed{Table: "fanouts", Columns: []string{"video_id", "user_id", "author_id"}}
}

func fanoutKeys(entries []Fanout) [][]int64 {
	keys := make([][]int64, len(entries))
	for i, e := range entries {
		keys[i] = []int64{e.VideoID, e.UserID, e.AuthorID}
	}
	return keys
}

// lockFanouts locks entries, so that whoever makes the same change meanwhile writes theirs again afterwards, and returns those that are
// left.
func (s *Store) lockFanouts(tx *gorm.DB, entries []Fanout) (left []Fanout, err error) {
	query := fanoutKey().Query(s.DB, tx, fanoutKeys(entries)).Select("t.video_id, t.user_id, t.author_id, t.after_user_id")
	return left, s.ForUpdate(query).Scan(&left).Error
}

// lockTimelines locks those of users that are there, in the order of their ids.
func (s *Store) lockTimelines(tx *gorm.DB, userIDs []int64) (map[int64]Timeline, error) {
	locked := map[int64]Timeline{}
	for part := range slices.Chunk(userIDs, maxRows) {
		var rows []Timeline
		if err := s.ForUpdate(tx).Where("user_id IN ?", part).Order("user_id").Find(&rows).Error; err != nil {
			return nil, err
		}
		for _, t := range rows {
			locked[t.UserID] = t
		}
	}
	return locked, nil
}

// distinct are the ids that key makes of rows, ascending.
func distinct[T any](rows []T, key func(T) int64) []int64 {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = key(r)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// pair is a user and whom they follow.
type pair struct{ UserID, AuthorID int64 }

// following says which of the pairs are so.
func (s *Store) following(tx *gorm.DB, pairs []pair) (map[pair]bool, error) {
	is := make(map[pair]bool, len(pairs))
	follows := sqldb.Keyed{Table: "follows", Columns: []string{"user_id", "to_user_id"}}
	for part := range slices.Chunk(pairs, maxRows) {
		keys := make([][]int64, len(part))
		for i, p := range part {
			keys[i] = []int64{p.UserID, p.AuthorID}
		}
		var rows []pair
		query := follows.Query(s.DB, tx, keys).Where("following = ?", true).Select("t.user_id AS user_id, t.to_user_id AS author_id")
		if err := query.Scan(&rows).Error; err != nil {
			return nil, err
		}
		for _, r := range rows {
			is[r] = true
		}
	}
	return is, nil
}

// fanoutFollows brings the timelines of users up to whom they follow now.
func (s *Store) fanoutFollows(ctx context.Context, entries []Fanout, size int) error {
	return s.Tx(ctx, func(tx *gorm.DB) error {
		entries, err := s.lockFanouts(tx, entries)
		if err != nil || len(entries) == 0 {
			return err
		}
		locked, err := s.lockTimelines(tx, distinct(entries, func(e Fanout) int64 { return e.UserID }))
		if err != nil {
			return err
		}
		var pairs []pair
		for _, e := range entries {
			if locked[e.UserID].BuiltMs != 0 {
				pairs = append(pairs, pair{e.UserID, e.AuthorID})
			}
		}
		if err := s.refollow(ctx, tx, pairs, size); err != nil {
			return err
		}
		_, err = fanoutKey().Delete(s.DB, tx, fanoutKeys(entries))
		return err
	})
}

// refollow adds the newest videos of those who are followed now to timelines that are locked, and takes those of others out.
func (s *Store) refollow(ctx context.Context, tx *gorm.DB, pairs []pair, size int) error {
	if len(pairs) == 0 {
		return nil
	}
	is, err := s.following(tx, pairs)
	if err != nil {
		return err
	}
	var pulls []Pull
	var pullers []int64
	ended := map[int64]map[int64]bool{}
	for _, p := range pairs {
		if is[p] {
			pulls, pullers = append(pulls, Pull{Authors: []int64{p.AuthorID}, Before: Newest(), Limit: size}), append(pullers, p.UserID)
			continue
		}
		if ended[p.UserID] == nil {
			ended[p.UserID] = map[int64]bool{}
		}
		ended[p.UserID][p.AuthorID] = true
	}
	found, err := s.Pulled(ctx, pulls)
	if err != nil {
		return err
	}
	var added []TimelineVideo
	for i, videos := range found {
		added = append(added, timelineVideos(pullers[i], videos)...)
	}
	if err := addTimelineVideos(tx, added); err != nil {
		return err
	}
	if err := s.unfollow(tx, ended, size); err != nil {
		return err
	}
	return s.trim(tx, distinct(pairs, func(p pair) int64 { return p.UserID }), size)
}

// timelineKey reads rows of timelines by their key.
func timelineKey() sqldb.Keyed {
	return sqldb.Keyed{Table: "timeline_videos", Columns: []string{"user_id", "published_ms", "video_id"}}
}

// unfollow takes the videos of authors out of timelines. Of one that was full nobody knows what comes after it: it is built again when it
// is read.
func (s *Store) unfollow(tx *gorm.DB, ended map[int64]map[int64]bool, size int) error {
	users := slices.Sorted(maps.Keys(ended))
	var again []int64
	for part := range slices.Chunk(users, 100) {
		var keys [][]int64
		rows := map[int64]int{}
		var all []TimelineVideo
		if err := tx.Where("user_id IN ?", part).Find(&all).Error; err != nil {
			return err
		}
		for _, v := range all {
			rows[v.UserID]++
			if ended[v.UserID][v.AuthorID] {
				keys = append(keys, []int64{v.UserID, v.PublishedMs, v.VideoID})
			}
		}
		for user, n := range rows {
			if n >= size {
				again = append(again, user)
			}
		}
		if err := s.deleteTimelineVideos(tx, keys); err != nil {
			return err
		}
	}
	if len(again) == 0 {
		return nil
	}
	return tx.Model(&Timeline{}).Where("user_id IN ?", again).Update("built_ms", 0).Error
}

func (s *Store) deleteTimelineVideos(tx *gorm.DB, keys [][]int64) error {
	for part := range slices.Chunk(keys, maxRows) {
		if _, err := timelineKey().Delete(s.DB, tx, part); err != nil {
			return err
		}
	}
	return nil
}

// beyondSQL are the rows of a timeline that are too many.
const beyondSQL = `SELECT * FROM (SELECT user_id, published_ms, video_id FROM timeline_videos WHERE user_id = ?
	ORDER BY published_ms DESC, video_id DESC LIMIT 100000 OFFSET ?) AS t`

// trim shortens timelines to their size.
func (s *Store) trim(tx *gorm.DB, userIDs []int64, size int) error {
	type row struct{ UserID, PublishedMs, VideoID int64 }
	var keys [][]int64
	for part := range slices.Chunk(userIDs, maxUnion) {
		var args []any
		for _, id := range part {
			args = append(args, id, size)
		}
		err := sqldb.Rows[row]{Query: tx.Raw(sqldb.UnionAll(beyondSQL, len(part)), args...)}.Each(func(r row) {
			keys = append(keys, []int64{r.UserID, r.PublishedMs, r.VideoID})
		})
		if err != nil {
			return err
		}
	}
	return s.deleteTimelineVideos(tx, keys)
}

// followersSQL are the next followers of an author.
const followersSQL = `SELECT * FROM (SELECT ? AS ask, user_id FROM follows WHERE to_user_id = ? AND following = ? AND user_id > ?
	ORDER BY user_id LIMIT ?) AS f`

// fanoutVideos adds videos to the timelines of the next followers of their authors.
func (s *Store) fanoutVideos(ctx context.Context, entries []Fanout, size int) error {
	return s.Tx(ctx, func(tx *gorm.DB) error {
		entries, err := s.lockFanouts(tx, entries)
		if err != nil || len(entries) == 0 {
			return err
		}
		videos, err := s.FeedVideos(ctx, distinct(entries, func(e Fanout) int64 { return e.VideoID }))
		if err != nil {
			return err
		}
		followers, err := nextFollowers(tx, entries)
		if err != nil {
			return err
		}
		locked, err := s.lockTimelines(tx, distinct(slices.Concat(followers...), func(id int64) int64 { return id }))
		if err != nil {
			return err
		}
		var pairs []pair
		for i, e := range entries {
			for _, user := range followers[i] {
				if locked[user].BuiltMs != 0 {
					pairs = append(pairs, pair{user, e.AuthorID})
				}
			}
		}
		is, err := s.following(tx, pairs) // once more, now that nobody else changes these timelines
		if err != nil {
			return err
		}
		var added []TimelineVideo
		var on, done []Fanout
		for i, e := range entries {
			v, listed := videos[e.VideoID]
			for _, user := range followers[i] {
				e.AfterUserID = max(e.AfterUserID, user)
				if listed && is[pair{user, e.AuthorID}] {
					added = append(added, TimelineVideo{UserID: user, PublishedMs: v.PublishedMs, VideoID: v.ID, AuthorID: v.AuthorID})
				}
			}
			if listed && len(followers[i]) == fanoutFollowers {
				on = append(on, e)
			} else {
				done = append(done, e)
			}
		}
		if err := addTimelineVideos(tx, added); err != nil {
			return err
		}
		if err := s.trim(tx, distinct(added, func(v TimelineVideo) int64 { return v.UserID }), size); err != nil {
			return err
		}
		if _, err := fanoutKey().Delete(s.DB, tx, fanoutKeys(done)); err != nil {
			return err
		}
		return s.AddFanouts(tx, on)
	})
}

// nextFollowers reads the next followers of the authors of entries, in the order of entries.
func nextFollowers(tx *gorm.DB, entries []Fanout) ([][]int64, error) {
	type row struct {
		Ask    int
		UserID int64
	}
	var args []any
	for i, e := range entries {
		args = append(args, i, e.AuthorID, true, e.AfterUserID, fanoutFollowers)
	}
	found := make([][]int64, len(entries))
	return found, sqldb.Rows[row]{Query: tx.Raw(sqldb.UnionAll(followersSQL, len(entries)), args...)}.Each(func(r row) {
		found[r.Ask] = append(found[r.Ask], r.UserID)
	})
}
