package db

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"tiktok/cmd/discovery/heat"
	"tiktok/pkg/sqldb"
)

const (
	// MaxChanges is the most changes that one transaction takes, of all kinds together.
	MaxChanges = 1000
	// MaxProfiles is how many users of them may have new names: each takes up to maxRenamed videos with it.
	MaxProfiles = 20
	// maxRenamed is how many videos of a user who has a new name, the newest, are indexed again.
	maxRenamed = 1000
	// likeWeight is what a like weighs in heat.
	likeWeight = 1
)

// Changes are what messages, or rows of other services, say. Of each kind no two have the same key. An entry whose Seq is not greater than
// the stored one's changes nothing; Seq 0 is for what was read, so it changes nothing that is there.
type Changes struct {
	// Users by their names.
	Users []User
	// Videos that are listed, or, with GoneMs, deleted: then only ID and AuthorID count. A deletion is final.
	Videos  []Video
	Follows []Follow
	Likes   []Like
}

// Len is how many there are.
func (c *Changes) Len() int { return len(c.Users) + len(c.Videos) + len(c.Follows) + len(c.Likes) }

// Rules say how changes are applied.
type Rules struct {
	// HalfLife is that of heat.
	HalfLife time.Duration
	// LikesSinceMs: likes with Seq 0 that began before are only counted, for the statistics of authors.
	LikesSinceMs int64
	// Within is called in the transaction, in order.
	Within []Within
}

// Apply stores changes, at most MaxChanges, in one transaction, and tells what has really changed, and how many changes were old. It takes
// as many statements for many changes as for a few, but for those of renamed users, at most MaxProfiles. Whatever changes the catalogue
// holds its clock meanwhile, so processes that apply at the same time wait for each other. It may be called with the same changes again.
func (s *Store) Apply(ctx context.Context, c Changes, r Rules) (done Changed, old int, err error) {
	c.sort()
	err = s.Tx(ctx, func(tx *gorm.DB) error {
		clock, err := s.LockClock(tx)
		if err != nil {
			return err
		}
		a := application{Store: s, tx: tx, clock: clock, rules: r, days: map[dayKey]AuthorDay{}}
		if err := a.apply(c); err != nil {
			return err
		}
		done, old = a.done, a.old
		return nil
	})
	if err != nil {
		return Changed{}, 0, fmt.Errorf("change the catalogue: %w", err)
	}
	return done, old, nil
}

// sort sorts changes by their keys: rows are locked in that order. It leaves the caller's as they are.
func (c *Changes) sort() {
	c.Users = slices.SortedFunc(slices.Values(c.Users), func(a, b User) int { return cmp.Compare(a.ID, b.ID) })
	c.Videos = slices.SortedFunc(slices.Values(c.Videos), func(a, b Video) int { return cmp.Compare(a.ID, b.ID) })
	c.Follows = slices.SortedFunc(slices.Values(c.Follows), func(a, b Follow) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.ToUserID, b.ToUserID))
	})
	c.Likes = slices.SortedFunc(slices.Values(c.Likes), func(a, b Like) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.VideoID, b.VideoID))
	})
}

// application is changes while they are applied.
type application struct {
	*Store
	tx    *gorm.DB
	clock *Clock
	rules Rules
	days  map[dayKey]AuthorDay
	// force says that what comes is true, whatever messages said.
	force bool
	done  Changed
	old   int
}

// apply applies changes, which are sorted, and then does what belongs to them.
func (a *application) apply(c Changes) error {
	for _, step := range []func() error{
		func() error { return a.users(c.Users) },
		func() error { return a.videos(c.Videos) },
		func() error { return a.follows(c.Follows) },
		func() error { return a.likes(c.Likes) },
		a.putDays,
		func() error { return a.clock.Save(a.tx) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, within := range a.rules.Within {
		if err := within(a.tx, &a.done); err != nil {
			return err
		}
	}
	return nil
}

type dayKey struct{ author, day int64 }

// count adds to what an author got on the day of a time.
func (a *application) count(authorID, atMs, likes, followers int64) {
	k := dayKey{authorID, Day(atMs)}
	d := a.days[k]
	d.AuthorID, d.Day, d.Likes, d.Followers = k.author, k.day, d.Likes+likes, d.Followers+followers
	a.days[k] = d
}

// putDays stores what was counted, in the order of the key, as all who change these rows do.
func (a *application) putDays() error {
	var rows []AuthorDay
	for _, d := range a.days {
		if d.Likes != 0 || d.Followers != 0 {
			rows = append(rows, d)
		}
	}
	slices.SortFunc(rows, func(x, y AuthorDay) int {
		return cmp.Or(cmp.Compare(x.AuthorID, y.AuthorID), cmp.Compare(x.Day, y.Day))
	})
	for part := range slices.Chunk(rows, maxRows) {
		if err := a.tx.Clauses(sqldb.Upsert(a.Adding("likes", "followers"), "author_id", "day")).Create(&part).Error; err != nil {
			return err
		}
	}
	return nil
}

// pairTable is a table whose key is two numbers.
func pairTable(name, first, second string) sqldb.Keyed {
	return sqldb.Keyed{Table: name, Columns: []string{first, second}}
}

func followTable() sqldb.Keyed { return pairTable("follows", "user_id", "to_user_id") }
func likeTable() sqldb.Keyed   { return pairTable("likes", "user_id", "video_id") }

// follows applies follows.
func (a *application) follows(follows []Follow) error {
	if len(follows) == 0 {
		return nil
	}
	keys := make([][]int64, len(follows))
	for i, f := range follows {
		keys[i] = []int64{f.UserID, f.ToUserID}
	}
	query := followTable().Query(a.DB, a.tx, keys).Select(sqldb.Columns[Follow](a.tx, "t"))
	stored, err := sqldb.Map(sqldb.Rows[Follow]{Query: query}, func(f Follow) [2]int64 { return [2]int64{f.UserID, f.ToUserID} })
	if err != nil {
		return err
	}
	var rows []Follow
	for _, f := range follows {
		old, known := stored[[2]int64{f.UserID, f.ToUserID}]
		skip := known && old.Seq >= f.Seq
		if a.force {
			f.Seq = old.Seq
			skip = old.Following == f.Following && (!f.Following || old.AtMs == f.AtMs)
		}
		if skip {
			a.old++
			continue
		}
		rows = append(rows, f)
		if old.Following {
			a.count(f.ToUserID, old.AtMs, 0, -1)
		}
		if f.Following {
			a.count(f.ToUserID, f.AtMs, 0, 1)
		}
		switch {
		case f.Following && !old.Following:
			a.done.FollowsBegan = append(a.done.FollowsBegan, f)
		case !f.Following && old.Following:
			a.done.FollowsEnded = append(a.done.FollowsEnded, f)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	set := clause.AssignmentColumns([]string{"following", "at_ms", "seq"})
	return a.tx.Clauses(sqldb.Upsert(set, "user_id", "to_user_id")).Create(&rows).Error
}

// likes applies likes.
func (a *application) likes(likes []Like) error {
	if len(likes) == 0 {
		return nil
	}
	keys := make([][]int64, len(likes))
	for i, l := range likes {
		keys[i] = []int64{l.UserID, l.VideoID}
	}
	query := likeTable().Query(a.DB, a.tx, keys).Select(sqldb.Columns[Like](a.tx, "t"))
	stored, err := sqldb.Map(sqldb.Rows[Like]{Query: query}, func(l Like) [2]int64 { return [2]int64{l.UserID, l.VideoID} })
	if err != nil {
		return err
	}
	var rows []Like
	var changes []beat
	for _, l := range likes {
		old, known := stored[[2]int64{l.UserID, l.VideoID}]
		skip := known && old.Seq >= l.Seq
		if a.force {
			l.Seq = old.Seq
			skip = old.Liked == l.Liked && (!l.Liked || old.AtMs == l.AtMs && old.AuthorID == l.AuthorID)
		}
		if skip {
			a.old++
			continue
		}
		counted := !known && l.Seq == 0 && l.AtMs < a.rules.LikesSinceMs
		if !counted {
			rows = append(rows, l)
		}
		if old.Liked {
			a.count(old.AuthorID, old.AtMs, -1, 0)
			changes = append(changes, beat{l.VideoID, l.AuthorID, old.AtMs, false})
		}
		if l.Liked {
			a.count(l.AuthorID, l.AtMs, 1, 0)
			changes = append(changes, beat{l.VideoID, l.AuthorID, l.AtMs, true})
		}
		switch {
		case counted:
		case l.Liked && !old.Liked:
			a.done.LikesBegan = append(a.done.LikesBegan, l)
		case !l.Liked && old.Liked:
			l.AtMs = old.AtMs
			a.done.LikesEnded = append(a.done.LikesEnded, l)
		}
	}
	if len(rows) > 0 {
		set := clause.AssignmentColumns([]string{"author_id", "liked", "at_ms", "seq"})
		if err := a.tx.Clauses(sqldb.Upsert(set, "user_id", "video_id")).Create(&rows).Error; err != nil {
			return err
		}
	}
	return a.heat(changes)
}

// beat is a like that counts in the heat of a video, or does not count any more.
type beat struct {
	videoID, authorID, atMs int64
	counts                  bool
}

// heatRow is a row of video_watches without what watches count.
type heatRow struct {
	VideoID  int64   `gorm:"column:video_id;primaryKey;autoIncrement:false"`
	AuthorID int64   `gorm:"column:author_id"`
	Heat     float64 `gorm:"column:heat"`
}

// TableName is video_watches.
func (heatRow) TableName() string { return "video_watches" }

// heat counts likes in the heat of videos. Each row is locked, or made, before it is read: watches change it, too.
func (a *application) heat(beats []beat) error {
	if len(beats) == 0 {
		return nil
	}
	slices.SortStableFunc(beats, func(x, y beat) int { return cmp.Compare(x.videoID, y.videoID) })
	var ids []int64
	var rows []heatRow
	for _, b := range beats {
		if n := len(ids); n == 0 || ids[n-1] != b.videoID {
			ids, rows = append(ids, b.videoID), append(rows, heatRow{VideoID: b.videoID, AuthorID: b.authorID})
		}
	}
	lock := sqldb.Upsert(clause.AssignmentColumns([]string{"author_id"}), "video_id") // what it is already
	if err := a.tx.Clauses(lock).Create(&rows).Error; err != nil {
		return err
	}
	query := sqldb.Select[heatRow](a.tx, "FROM video_watches WHERE video_id IN ?", ids)
	stored, err := sqldb.Map(query, func(r heatRow) int64 { return r.VideoID })
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Heat = stored[rows[i].VideoID].Heat
	}
	place := 0
	for _, b := range beats {
		for rows[place].VideoID != b.videoID {
			place++
		}
		change := heat.Remove
		if b.counts {
			change = heat.Add
		}
		rows[place].Heat = change(rows[place].Heat, likeWeight, b.atMs, a.rules.HalfLife)
	}
	return a.tx.Clauses(sqldb.Upsert(clause.AssignmentColumns([]string{"heat"}), "video_id")).Create(&rows).Error
}
