package dataset

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"tiktok/cmd/discovery/heat"
	"tiktok/pkg/id"
)

// storeDiscovery stores what discovery would take minutes to read: likes, follows and what follows from them. Users and videos it reads
// itself, from the other services. A build of before there was such a service gets nothing.
func (f *filling) storeDiscovery(ctx context.Context) error {
	db := f.db["discovery"]
	if !db.Write.Migrator().HasTable("backfills") {
		return nil
	}
	days := authorDays{}
	for _, store := range []func(context.Context, authorDays) error{f.storeSignals, f.storeFollowed} {
		if err := store(ctx, days); err != nil {
			return err
		}
	}
	if err := days.store(ctx, f); err != nil {
		return err
	}
	if err := f.storeHistory(ctx); err != nil {
		return err
	}
	// It has read the deployment while that was empty.
	if err := db.Write.WithContext(ctx).Exec("DELETE FROM backfills").Error; err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	read := []string{"follows", "likes"}
	return insert(ctx, db, "backfills", "name, started_ms, done_ms", each(len(read), func(i int) []any { return []any{read[i], now, now} }))
}

// dayOf is a user's day since 1970.
type dayOf struct {
	user int
	day  int64
}

// authorDays are how many likes and followers authors got, by day.
type authorDays map[dayOf]*struct{ likes, followers int }

func (d authorDays) of(user int, atMs int64) *struct{ likes, followers int } {
	key := dayOf{user, atMs / (24 * time.Hour).Milliseconds()}
	if d[key] == nil {
		d[key] = &struct{ likes, followers int }{}
	}
	return d[key]
}

func (d authorDays) store(ctx context.Context, f *filling) error {
	keys := slices.SortedFunc(maps.Keys(d), func(a, b dayOf) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.day, b.day)) })
	return insert(ctx, f.db["discovery"], "author_days", "author_id, day, likes, followers", each(len(keys), func(i int) []any {
		return []any{f.userID(keys[i].user), keys[i].day, d[keys[i]].likes, d[keys[i]].followers}
	}))
}

// storeSignals stores likes, and the heat that videos have of them.
func (f *filling) storeSignals(ctx context.Context, days authorDays) error {
	db, heats := f.db["discovery"], make([]float64, f.videos)
	err := insert(ctx, db, "likes", "user_id, video_id, author_id, liked, at_ms, seq", f.eachLike(func(l likeOf) []any {
		at := id.Time(l.event).UnixMilli()
		heats[l.video] = heat.Add(heats[l.video], 1, at, f.halfLife)
		days.of(l.author, at).likes++
		return []any{f.userID(l.user), f.videoID(l.video), f.userID(l.author), 1, at, 0}
	}))
	if err != nil {
		return err
	}
	return insert(ctx, db, "video_watches", "video_id, author_id, heat", each(f.videos, func(i int) []any {
		if heats[i] == heat.None {
			return nil
		}
		return []any{f.videoID(i), f.userID(int(f.authors[i])), heats[i]}
	}))
}

func (f *filling) storeFollowed(ctx context.Context, days authorDays) error {
	pairs, at := f.followsInOrder()
	return insert(ctx, f.db["discovery"], "follows", "user_id, to_user_id, following, at_ms, seq", each(len(pairs), func(i int) []any {
		p, atMs := pairs[i], id.Time(at(i)).UnixMilli()
		days.of(int(p.to), atMs).followers++
		return []any{f.userID(int(p.user)), f.userID(int(p.to)), 1, atMs, 0}
	}))
}

// storeHistory has each user have watched some videos, popular ones more often.
func (f *filling) storeHistory(ctx context.Context) error {
	const ofUser, watchedMs = 20, 4000
	popular, r, sample := source(useVideos).Perm(f.videos), source(useHistory), newSampler(f.videos, videoPower)
	at := f.day(historyDay).UnixMilli()
	const columns = "user_id, video_id, at_ms, watched_ms, finished"
	return insert(ctx, f.db["discovery"], "history", columns, func(yield func([]any) bool) {
		for user := range f.Users {
			seen := map[int]bool{}
			for range ofUser {
				v := popular[sample.draw(r)]
				if seen[v] {
					continue
				}
				seen[v] = true
				if !yield([]any{f.userID(user), f.videoID(v), at + int64(len(seen)), watchedMs, 1}) {
					return
				}
			}
		}
	})
}
