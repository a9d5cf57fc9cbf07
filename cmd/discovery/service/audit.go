package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/pkg/lifecycle"
)

// Source is what another service holds of one kind of what the catalogue has, in the service's own tables. What it returns stands, and is
// of that kind only.
type Source struct {
	// Kind is users, videos, follows or likes. Keys of the first two are an id and 0.
	Kind string
	// After returns what follows a key, at most 1000 rows, by ascending keys, with the last key; none at the end.
	After func(ctx context.Context, after db.PairKey) (c db.Changes, last db.PairKey, err error)
	// Find returns what stands of keys, at most 1000.
	Find func(ctx context.Context, keys []db.PairKey) (db.Changes, error)
}

// Listed is the row of a video that another service lists.
func Listed(id, authorID int64, title string, publishedMs int64) db.Video {
	return listed(id, authorID, title, publishedMs)
}

// Named is the row of a user that another service has; shown is what is shown in place of the name.
func Named(id int64, name, shown string) db.User { return named(id, name, shown, 0) }

const (
	// auditStep is how many rows one step compares.
	auditStep = 1000
	// auditLikes is how old likes may be whose absence is a difference: older ones may have been removed.
	auditLikes = purgeAge - 24*time.Hour
	// repairHalfLife is that of the heat of likes that a repair finds, which knows no settings.
	repairHalfLife = 24 * time.Hour
	// settle is how long a difference has to stay: events come a little later than what they tell.
	settle = 3 * time.Second
)

// Auditor compares the catalogue with the services that it is made of, in both directions, and the counts and pages of tags with the videos
// of the catalogue. It goes in steps of 1000 rows, so its memory is bounded. It may run beside writers: a difference counts when it stays
// for some seconds.
type Auditor struct {
	*db.Store
	// Settle is how long a difference has to stay.
	Settle  time.Duration
	sources []Source
	now     func() time.Time
}

// NewAuditor returns one.
func NewAuditor(store *db.Store, sources ...Source) *Auditor {
	return &Auditor{Store: store, sources: sources, Settle: settle, now: time.Now}
}

// Counters is how many rows of videos, users and tags are compared.
func (a *Auditor) Counters(ctx context.Context) (int64, error) { return a.CatalogueSize(ctx) }

// Audit implements what `tiktok audit` wants.
func (a *Auditor) Audit(ctx context.Context, report func(format string, args ...any)) (mismatches int, err error) {
	err = a.differences(ctx, report, func(_ Source, all []difference) error {
		for _, d := range all {
			mismatches++
			report("%s", d.text)
		}
		return nil
	})
	if err != nil {
		return mismatches, err
	}
	err = a.wrongTags(ctx, func(entries []db.VideoTag, counts []db.WrongTag) error {
		mismatches += len(entries) + len(counts)
		for _, e := range entries {
			report("tag %q: video %d is wrong in its pages", e.Tag, e.VideoID)
		}
		for _, c := range counts {
			report("tag %q has the count %d, its pages have %d", c.Tag, c.Count, c.PagesHave)
		}
		return nil
	})
	return mismatches, err
}

// Repair makes the catalogue what the other services say. Each step looks again while nothing else changes the catalogue.
func (a *Auditor) Repair(ctx context.Context, report func(format string, args ...any)) (repaired int, err error) {
	err = a.differences(ctx, report, func(s Source, all []difference) error {
		keys := make([]db.PairKey, len(all))
		for i, d := range all {
			keys[i] = d.key
			report("repairs: %s", d.text)
		}
		truth := func(ctx context.Context) (db.Changes, error) { return a.truth(ctx, s, keys) }
		n, err := a.Store.Repair(ctx, truth, db.Rules{HalfLife: repairHalfLife, Within: []db.Within{a.FanOut}})
		repaired += n
		return err
	})
	if err != nil {
		return repaired, err
	}
	err = a.wrongTags(ctx, func(entries []db.VideoTag, counts []db.WrongTag) error {
		repaired += len(entries) + len(counts)
		tags := make([]string, len(counts))
		for i, c := range counts {
			tags[i] = c.Tag
		}
		return a.RepairTags(ctx, entries, tags)
	})
	return repaired, err
}

// difference is a row that is not as it shall be.
type difference struct {
	key  db.PairKey
	text string
}

// differences calls fn for each step in which something differs. A catalogue that is being filled is not compared.
func (a *Auditor) differences(
	ctx context.Context, report func(format string, args ...any), fn func(s Source, all []difference) error,
) error {
	var kinds []string
	for _, s := range a.sources {
		kinds = append(kinds, s.Kind)
	}
	filled, err := a.Backfills(ctx, a.now().UnixMilli(), kinds...)
	if err != nil {
		return err
	}
	for _, s := range a.sources {
		if filled[s.Kind].DoneMs == 0 {
			report("%s are not compared: the catalogue is being filled, %d so far", s.Kind, filled[s.Kind].RowsRead)
			continue
		}
		if err := a.compare(ctx, s, fn); err != nil {
			return fmt.Errorf("%s: %w", s.Kind, err)
		}
	}
	return nil
}

func (a *Auditor) compare(ctx context.Context, s Source, fn func(s Source, all []difference) error) error {
	var keys []db.PairKey // which seem to differ
	wait := a.Settle
	flush := func(all bool) error {
		for len(keys) >= auditStep || all && len(keys) > 0 {
			part := keys[:min(auditStep, len(keys))]
			if !lifecycle.Pause(ctx, wait) {
				return ctx.Err()
			}
			differ, err := a.differ(ctx, s, part)
			if err == nil && len(differ) > 0 {
				err = fn(s, differ)
			}
			if err != nil {
				return err
			}
			if keys = keys[len(part):]; 2*len(differ) > len(part) {
				wait = 0 // it is not that events are under way
			}
		}
		return nil
	}
	for _, after := range []func(ctx context.Context, after db.PairKey) (db.Changes, db.PairKey, error){
		s.After, func(ctx context.Context, after db.PairKey) (db.Changes, db.PairKey, error) {
			return a.after(ctx, s.Kind, after)
		},
	} {
		for at := (db.PairKey{}); ; {
			c, last, err := after(ctx, at)
			if err != nil {
				return err
			}
			if last == (db.PairKey{}) {
				break
			}
			differ, err := a.differ(ctx, s, slices.Collect(maps.Keys(standing(c))))
			if err != nil {
				return err
			}
			for _, d := range differ {
				keys = append(keys, d.key)
			}
			if err := flush(false); err != nil {
				return err
			}
			at = last
		}
	}
	slices.SortFunc(keys, func(x, y db.PairKey) int { return slices.Compare(x[:], y[:]) })
	keys = slices.Compact(keys)
	return flush(true)
}

// differ are those of keys, at most auditStep, that are not in the catalogue as they are in their service.
func (a *Auditor) differ(ctx context.Context, s Source, keys []db.PairKey) (all []difference, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	has, err := a.find(ctx, s.Kind, keys)
	if err != nil {
		return nil, err
	}
	truth, err := s.Find(ctx, keys)
	if err != nil {
		return nil, err
	}
	want, got := standing(truth), standing(has)
	since := a.now().Add(-auditLikes).UnixMilli()
	old := map[db.PairKey]bool{}
	for _, l := range truth.Likes {
		old[l.Key()] = l.AtMs < since
	}
	for _, k := range keys {
		w, wanted := want[k]
		g, stands := got[k]
		switch {
		case wanted && !stands && !old[k]:
			all = append(all, difference{k, fmt.Sprintf("%s: %s is missing", s.Kind, described(k))})
		case !wanted && stands:
			all = append(all, difference{k, fmt.Sprintf("%s: %s is extra", s.Kind, described(k))})
		case wanted && stands && w != g:
			all = append(all, difference{k, fmt.Sprintf("%s: %s is %s, want %s", s.Kind, described(k), g, w)})
		}
	}
	return all, nil
}

func described(k db.PairKey) string {
	if k[1] == 0 {
		return strconv.FormatInt(k[0], 10)
	}
	return fmt.Sprintf("%d of user %d", k[1], k[0])
}

// standing is what stands, by its key, as a text that two are compared by.
func standing(c db.Changes) map[db.PairKey]string {
	all := make(map[db.PairKey]string, c.Len())
	for _, u := range c.Users {
		if u.GoneMs == 0 {
			all[db.PairKey{u.ID}] = fmt.Sprintf("%q, shown as %q", u.Name, u.ShownName)
		}
	}
	for _, v := range c.Videos {
		if v.GoneMs == 0 {
			all[db.PairKey{v.ID}] = fmt.Sprintf("%q with %q by %d at %d", v.Title, v.Tags, v.AuthorID, v.PublishedMs)
		}
	}
	for _, f := range c.Follows {
		if f.Following {
			all[f.Key()] = fmt.Sprintf("since %d", f.AtMs)
		}
	}
	for _, l := range c.Likes {
		if l.Liked {
			all[l.Key()] = fmt.Sprintf("since %d", l.AtMs)
		}
	}
	return all
}

// after are the rows of the catalogue that follow a key.
func (a *Auditor) after(ctx context.Context, kind string, after db.PairKey) (c db.Changes, last db.PairKey, err error) {
	switch kind {
	case "users":
		c.Users, err = a.UsersAfter(ctx, after[0], auditStep)
		for _, u := range c.Users {
			last = db.PairKey{u.ID}
		}
	case "videos":
		c.Videos, err = a.VideosAfter(ctx, after[0], auditStep)
		for _, v := range c.Videos {
			last = db.PairKey{v.ID}
		}
	case "follows":
		c.Follows, err = a.FollowsAfter(ctx, after, auditStep)
		for _, f := range c.Follows {
			last = f.Key()
		}
	case "likes":
		c.Likes, err = a.LikesAfter(ctx, after, auditStep)
		for _, l := range c.Likes {
			last = l.Key()
		}
	}
	return c, last, err
}

// find are the rows of the catalogue with keys.
func (a *Auditor) find(ctx context.Context, kind string, keys []db.PairKey) (c db.Changes, err error) {
	ids := make([]int64, len(keys))
	for i, k := range keys {
		ids[i] = k[0]
	}
	switch kind {
	case "users":
		rows, err := a.UserRows(ctx, ids)
		c.Users = slices.Collect(maps.Values(rows))
		return c, err
	case "videos":
		rows, err := a.VideoRows(ctx, ids)
		c.Videos = slices.Collect(maps.Values(rows))
		return c, err
	case "follows":
		rows, err := a.FollowRows(ctx, keys)
		c.Follows = slices.Collect(maps.Values(rows))
		return c, err
	case "likes":
		rows, err := a.LikeRows(ctx, keys)
		c.Likes = slices.Collect(maps.Values(rows))
		return c, err
	}
	return c, nil
}

// truth is what a service says of keys, also which do not stand.
func (a *Auditor) truth(ctx context.Context, s Source, keys []db.PairKey) (db.Changes, error) {
	c, err := s.Find(ctx, keys)
	if err != nil {
		return c, err
	}
	nowMs, stands := a.now().UnixMilli(), standing(c)
	for _, k := range keys {
		if _, ok := stands[k]; ok {
			continue
		}
		switch s.Kind {
		case "users":
			c.Users = append(c.Users, db.User{ID: k[0], GoneMs: nowMs})
		case "videos":
			c.Videos = append(c.Videos, db.Video{ID: k[0], GoneMs: nowMs})
		case "follows":
			c.Follows = append(c.Follows, db.Follow{UserID: k[0], ToUserID: k[1], AtMs: nowMs})
		case "likes":
			c.Likes = append(c.Likes, db.Like{UserID: k[0], VideoID: k[1], AtMs: nowMs})
		}
	}
	return c, nil
}

// missingPages are the tags of listed videos whose pages do not have them, also when one looks again.
func (a *Auditor) missingPages(ctx context.Context, videos []db.Video) (missing []db.VideoTag, err error) {
	gone := func(v db.Video) bool { return v.GoneMs != 0 }
	missing, err = a.WrongPages(ctx, slices.DeleteFunc(videos, gone))
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	ids := make([]int64, 0, len(missing))
	for _, m := range missing {
		ids = append(ids, m.VideoID)
	}
	slices.Sort(ids)
	again, err := a.VideoRows(ctx, slices.Compact(ids)) // one may have gone between the two reads
	if err != nil {
		return nil, err
	}
	return a.WrongPages(ctx, slices.DeleteFunc(slices.Collect(maps.Values(again)), gone))
}

// wrongTags calls fn for each step in which pages or counts of tags are wrong.
func (a *Auditor) wrongTags(ctx context.Context, fn func(entries []db.VideoTag, counts []db.WrongTag) error) error {
	for at := int64(0); ; {
		videos, err := a.VideosAfter(ctx, at, auditStep)
		if err != nil {
			return err
		}
		if len(videos) == 0 {
			break
		}
		at = videos[len(videos)-1].ID
		missing, err := a.missingPages(ctx, videos)
		for part := range slices.Chunk(missing, auditStep) {
			if err == nil {
				err = fn(part, nil)
			}
		}
		if err != nil {
			return err
		}
	}
	for at, done := (db.VideoTag{}), false; !done; {
		extra, next, last, err := a.ExtraPages(ctx, at)
		if err == nil && len(extra) > 0 {
			err = fn(extra, nil)
		}
		if err != nil {
			return err
		}
		at, done = next, last
	}
	for at, done := "", false; !done; {
		wrong, next, last, err := a.WrongTags(ctx, at)
		if err == nil && len(wrong) > 0 {
			err = fn(nil, wrong)
		}
		if err != nil {
			return err
		}
		at, done = next, last
	}
	return nil
}
