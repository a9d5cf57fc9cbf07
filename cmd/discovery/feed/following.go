package feed

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/recommend"
	"tiktok/cmd/internal/purge"
	"tiktok/pkg/coalesce"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/paging"
)

const (
	// usedEvery is how often it is noted that a timeline is read.
	usedEvery = time.Hour
	// builders is how many timelines a call builds at the same time, buildPatience how long it waits for that.
	builders, buildPatience = 2, time.Second
	// fanoutEvery is how long the one who keeps timelines up rests when there is nothing to do, fanoutLease how long the others leave it to
	// them.
	fanoutEvery, fanoutLease = 500 * time.Millisecond, 15 * time.Second
	// timelinePurgeEvery is how often timelines are removed that nobody reads, purgeStep how many at a time, with a pause.
	timelinePurgeEvery, purgeStep = time.Hour, 200
)

// following answers with the newest videos of those whom viewers follow. What is gone, or may not be seen, makes a page shorter.
func (f *Feeds) following(ctx context.Context, wants []*want) error {
	viewers := make([]int64, len(wants))
	for i, w := range wants {
		viewers[i] = w.viewer
	}
	followed, err := f.Store.Followed(ctx, coalesce.Distinct(viewers), f.Settings.FollowPull+1)
	if err != nil {
		return err
	}
	var many []*want
	for _, w := range wants {
		if len(followed[w.viewer]) > f.Settings.FollowPull {
			many = append(many, w)
		}
	}
	built, err := f.timelines(ctx, many)
	if err != nil {
		return err
	}
	var few, some, timed []*want
	var followers []db.FollowedPage
	var pulls []db.Pull // of those who have no timeline yet: as many of whom they follow as the others may
	var pages []db.TimelinePage
	for _, w := range wants {
		before := place(w)
		authors := followed[w.viewer]
		switch {
		case built[w.viewer]:
			timed, pages = append(timed, w), append(pages, db.TimelinePage{UserID: w.viewer, Before: before, Limit: w.limit + 1})
		case len(authors) > f.Settings.FollowPull:
			pull := db.Pull{Authors: authors[:f.Settings.FollowPull], Before: before, Limit: w.limit + 1}
			some, pulls = append(some, w), append(pulls, pull)
		default:
			few, followers = append(few, w), append(followers, db.FollowedPage{UserID: w.viewer, Before: before, Limit: w.limit + 1})
		}
	}
	show := func(from string, wants []*want, found [][]db.ByAuthor, err error) error {
		for i := 0; i < len(wants) && err == nil; i++ {
			err = f.showFollowed(ctx, wants[i], from, found[i])
		}
		return err
	}
	found, err := f.Store.FollowedPages(ctx, followers)
	if err = show("pull", few, found, err); err != nil {
		return err
	}
	found, err = f.Store.Pulled(ctx, pulls)
	if err = show("pull", some, found, err); err != nil {
		return err
	}
	found, err = f.Store.TimelinePages(ctx, pages)
	return show("timeline", timed, found, err)
}

// place is where a page begins.
func place(w *want) db.Place {
	if w.cursor == nil {
		return db.Newest()
	}
	return db.Place{PublishedMs: w.cursor[0], VideoID: w.cursor[1]}
}

func (f *Feeds) showFollowed(ctx context.Context, w *want, from string, rows []db.ByAuthor) error {
	rows, w.answer.NextCursor = paging.CutAt(rows, w.limit, func(v db.ByAuthor) string { return paging.Cursor(v.PublishedMs, v.VideoID) })
	items := make([]recommend.Item, len(rows))
	for i, v := range rows {
		items[i] = recommend.Item{ID: v.VideoID, AuthorID: v.AuthorID, Reason: recommend.ReasonFollowed}
	}
	return f.show(ctx, w, from, items)
}

// timelines makes sure that viewers have one, and says which of them do: one that cannot be built in time is for the next time.
func (f *Feeds) timelines(ctx context.Context, wants []*want) (built map[int64]bool, err error) {
	if len(wants) == 0 {
		return nil, nil
	}
	viewers := make([]int64, len(wants))
	for i, w := range wants {
		viewers[i] = w.viewer
	}
	viewers = coalesce.Distinct(viewers)
	found, err := f.Store.Timelines(ctx, viewers)
	if err != nil {
		return nil, err
	}
	built = make(map[int64]bool, len(viewers))
	now := f.Now()
	var used []int64
	var g errgroup.Group
	g.SetLimit(builders)
	building, cancel := context.WithTimeout(ctx, buildPatience)
	defer cancel()
	results := make([]error, len(viewers))
	for i, id := range viewers {
		if t := found[id]; t.BuiltMs != 0 {
			if now.Sub(time.UnixMilli(t.UsedMs)) >= usedEvery {
				used = append(used, id)
			}
			continue
		}
		g.Go(func() error {
			results[i] = f.Store.BuildTimeline(building, id, now.UnixMilli(), f.Settings.TimelineSize)
			return nil
		})
	}
	_ = g.Wait() // results has the errors
	for i, id := range viewers {
		if built[id] = results[i] == nil; !built[id] {
			f.unusual.WarnContext(ctx, "a timeline could not be built; some of whom the user follows are read instead",
				"user", id, "err", results[i])
		}
	}
	return built, f.Store.UseTimelines(ctx, used, now.UnixMilli())
}

// runFanout keeps timelines up, while this process has the lease, until ctx ends.
func (f *Feeds) runFanout(ctx context.Context) {
	f.lead(ctx, "timelines", fanoutLease, func(ctx context.Context) error {
		purged := f.Now()
		for {
			worked, err := f.Store.Fanout(ctx, f.Settings.TimelineSize)
			if err != nil {
				return err
			}
			if now := f.Now(); now.Sub(purged) >= timelinePurgeEvery {
				if _, err := f.purgeTimelines(ctx, now); err != nil {
					return err
				}
				purged = now
			}
			if !worked && !lifecycle.Pause(ctx, fanoutEvery) {
				return ctx.Err()
			}
		}
	})
}

// purgeTimelines removes timelines that nobody has read for long.
func (f *Feeds) purgeTimelines(ctx context.Context, now time.Time) (int64, error) {
	before := now.AddDate(0, 0, -f.Settings.TimelineDays).UnixMilli()
	return purge.All(ctx, purge.Rest, func() (int64, bool, error) { return f.Store.PurgeTimelines(ctx, before, purgeStep) })
}

// lead does work while this process has a lease, again whenever it fails, until ctx ends.
func (f *Feeds) lead(ctx context.Context, name string, ttl time.Duration, work func(context.Context) error) {
	f.Store.LeadOn(ctx, name, ttl, work, func(err error) {
		f.Log.WarnContext(ctx, "what one process does for all is tried again", "what", name, "err", err)
	})
}
