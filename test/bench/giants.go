package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	interactiondb "tiktok/cmd/interaction/dal/db"
	socialdb "tiktok/cmd/social/dal/db"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
)

const (
	// giants is the measurement of users and videos that everybody knows, at the stores.
	giants = "giants"
	// giantTimes is how often each thing is done, after a few times that are not counted.
	giantTimes, giantWarmup = 200, 5
)

// crowd is how much hangs on the famous ones.
type crowd struct{ followers, likes, comments, followed int }

// everybody is a celebrity with a million followers, a video with a million likes and 100,000 comments, and a fan who
// follows 5,000 users and likes as many videos.
func everybody() crowd {
	return crowd{followers: 1_000_000, likes: 1_000_000, comments: 100_000, followed: 5000}
}

// The famous ones by index: the fan is one of the followers, so that two of them are friends of each other.
const (
	celebrity = 2_000_000
	fan       = 17
	hit       = 0 // the video
)

// giants loads famous users and videos into schemas of their own and measures each list and action at the store: the
// mean hides behind caches what one that everybody looks at costs.
func (s *session) giants(ctx context.Context) (err error) {
	cfg := s.dep.cfg.DB
	if cfg.Driver == sqldb.SQLite {
		cfg.Dir = filepath.Join(s.dep.dir, giants)
	} else {
		cfg.SchemaPrefix += giants + "_"
	}
	db := stores{}
	defer func() { err = errors.Join(err, db.close()) }()
	if err := db.open(ctx, cfg); err != nil {
		return err
	}
	began := time.Now()
	if err := everybody().load(ctx, db); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\n%s, %s: a million followers, a million likes, 100,000 comments are there after %.1f s\n",
		giants, s.dep.name, time.Since(began).Seconds())
	for _, job := range giantJobs(db, everybody()) {
		r := s.fresh(giants, job.name)
		r.Queue = job.name
		if err := r.time(ctx, job.do); err != nil {
			return fmt.Errorf("%s: %w", job.name, err)
		}
		fmt.Fprintf(s.out, "  %-49s p50 %7.2f ms   p99 %7.2f   max %7.2f\n", job.name, r.Latency.P50, r.Latency.P99, r.Latency.Max)
		s.results = append(s.results, r)
	}
	return nil
}

// time does a thing many times, one after the other.
func (r *result) time(ctx context.Context, do statement) error {
	t := tally{hist: hdrhistogram.New(1, slowest.Microseconds(), 3)}
	for n := range uint64(giantWarmup + giantTimes) {
		began := time.Now()
		if err := do(ctx, n); err != nil {
			return err
		}
		if n >= giantWarmup {
			t.accepted++
			if err := t.hist.RecordValue(max(1, time.Since(began).Microseconds())); err != nil {
				return err
			}
		}
	}
	r.fill(t)
	r.PerSecond = 1e6 / t.hist.Mean()
	return nil
}

// load fills empty schemas.
func (c crowd) load(ctx context.Context, db stores) error {
	for service, migrations := range map[string]fs.FS{"social": socialdb.Migrations(), "interaction": interactiondb.Migrations()} {
		if err := db[service].Migrate(ctx, migrations); err != nil {
			return err
		}
		if db[service].Dialect() == sqldb.SQLite {
			if err := db[service].Write.Exec("PRAGMA synchronous = OFF").Error; err != nil {
				return err
			}
		}
	}
	if err := withoutIndexes(ctx, db["social"], "follows", func() error { return c.loadFollows(ctx, db["social"]) }); err != nil {
		return err
	}
	sql := db["interaction"]
	if err := withoutIndexes(ctx, sql, "favorites", func() error { return c.loadLikes(ctx, sql) }); err != nil {
		return err
	}
	if err := withoutIndexes(ctx, sql, "comments", func() error { return c.loadComments(ctx, sql) }); err != nil {
		return err
	}
	for _, service := range []string{"social", "interaction"} {
		if db[service].Dialect() == sqldb.SQLite { // what is measured is as durable as the product
			if err := db[service].Write.Exec("PRAGMA synchronous = NORMAL").Error; err != nil {
				return err
			}
		}
	}
	return nil
}

// loadFollows lets everybody follow the celebrity, the fan 5,000 users, and half of those the fan.
func (c crowd) loadFollows(ctx context.Context, db *sqldb.DB) (err error) {
	b, n := newBulk(ctx, db, "follows", "user_id, to_user_id, id, created_at_ms"), 0
	follow := func(user, to int) {
		if err != nil {
			return
		}
		followID := idAt(day(followsDay), n)
		n++
		err = b.add(userID(user), userID(to), followID, id.Time(followID).UnixMilli())
	}
	for i := range c.followers {
		if i == fan {
			for k := range c.followed {
				follow(fan, 100+k)
			}
		}
		if i >= 100 && i < 100+c.followed/2 {
			follow(i, fan)
		}
		follow(i, celebrity)
	}
	follow(celebrity, fan)
	if err := b.done(err); err != nil {
		return err
	}
	b = newBulk(ctx, db, "social_stats", "user_id, follow_count, follower_count")
	err = b.add(userID(fan), c.followed+1, c.followed/2+1)
	if err == nil {
		err = b.add(userID(celebrity), 1, c.followers)
	}
	return b.done(err)
}

// loadLikes lets everybody like the video, and the fan 5,000 others.
func (c crowd) loadLikes(ctx context.Context, db *sqldb.DB) (err error) {
	b, n := newBulk(ctx, db, "favorites", "user_id, video_id, author_id, liked, last_event, liked_event"), 0
	like := func(user, video int) {
		if err != nil {
			return
		}
		event := idAt(day(favoritesDay), n)
		n++
		err = b.add(userID(user), videoID(video), userID(celebrity), 1, event, event)
	}
	for i := range c.likes {
		like(i, hit)
		if i == fan {
			for k := range c.followed {
				like(fan, hit+1+k)
			}
		}
	}
	if err := b.done(err); err != nil {
		return err
	}
	b = newBulk(ctx, db, "video_stats", "video_id, author_id, favorite_count, comment_count")
	if err := b.done(b.add(videoID(hit), userID(celebrity), c.likes, c.comments)); err != nil {
		return err
	}
	b = newBulk(ctx, db, "user_stats", "user_id, total_favorited, favorite_count")
	err = b.add(userID(fan), 0, c.followed+1)
	if err == nil {
		err = b.add(userID(celebrity), c.likes+c.followed, 0)
	}
	return b.done(err)
}

func (c crowd) loadComments(ctx context.Context, db *sqldb.DB) (err error) {
	b := newBulk(ctx, db, "comments", "id, video_id, user_id, content, created_at_ms, deleted")
	for i := range c.comments {
		commentID := idAt(day(commentsDay), i)
		if err = b.add(commentID, videoID(hit), userID(i), commentText, id.Time(commentID).UnixMilli(), 0); err != nil {
			break
		}
	}
	return b.done(err)
}

// giantJob is one thing that is measured.
type giantJob struct {
	name string
	do   statement
}

// giantJobs are every list and action of the famous ones. A page is what the gateway asks for when a list has no pages.
func giantJobs(db stores, c crowd) []giantJob {
	social, likes := socialdb.New(db["social"]), interactiondb.New(db["interaction"])
	return append(socialJobs(social, c), interactionJobs(likes, c)...)
}

func socialJobs(store *socialdb.Store, c crowd) []giantJob {
	pages := func(l socialdb.List, user int, before int64, limit, want int) statement {
		return func(ctx context.Context, _ uint64) error {
			got, err := store.Page(ctx, l, userID(user), before, limit)
			return enough(len(got), want, err)
		}
	}
	deep := idAt(day(followsDay), c.followers/2)
	someone := func(n uint64) int64 { return userID(celebrity + 1 + int(n/2)) }
	return []giantJob{
		{"followers of the celebrity, 30", pages(socialdb.Followers, celebrity, 0, 30, 30)},
		{"followers of the celebrity, 1000", pages(socialdb.Followers, celebrity, 0, pageLimit, pageLimit)},
		{"followers of the celebrity, 1000 from the middle", pages(socialdb.Followers, celebrity, deep, pageLimit, pageLimit)},
		{"friends of the celebrity", pages(socialdb.Friends, celebrity, 0, pageLimit, 1)},
		{"whom the fan follows, 1000", pages(socialdb.Following, fan, 0, pageLimit, pageLimit)},
		{"friends of the fan, 1000", pages(socialdb.Friends, fan, 0, pageLimit, pageLimit)},
		{"counters of both", func(ctx context.Context, _ uint64) error {
			got, err := store.MGetStats(ctx, []int64{userID(fan), userID(celebrity)})
			return enough(len(got), 2, err)
		}},
		{"whom of 30 the fan follows", func(ctx context.Context, _ uint64) error {
			ids := make([]int64, 30)
			for i := range ids {
				ids[i] = userID(100 + 7*i)
			}
			got, err := store.Following(ctx, []socialdb.Look{{ViewerID: userID(fan), UserIDs: ids}})
			return enough(len(got[userID(fan)]), len(ids), err)
		}},
		{"follow or unfollow the celebrity", func(ctx context.Context, n uint64) error {
			var changed bool
			var err error
			if n%2 == 0 {
				now := idAt(day(messagesDay), int(n))
				changed, err = store.Follow(ctx, socialdb.Follow{UserID: someone(n), ToUserID: userID(celebrity), ID: now})
			} else {
				changed, err = store.Unfollow(ctx, someone(n), userID(celebrity))
			}
			if err == nil && !changed {
				err = errors.New("nothing changed")
			}
			return err
		}},
	}
}

func interactionJobs(store *interactiondb.Store, c crowd) []giantJob {
	comments := func(before int64, limit int) statement {
		return func(ctx context.Context, _ uint64) error {
			got, err := store.ListComments(ctx, videoID(hit), before, limit)
			return enough(len(got), limit, err)
		}
	}
	return []giantJob{
		{"comments below the video, 20", comments(math.MaxInt64, 20)},
		{"comments below the video, 1000", comments(math.MaxInt64, pageLimit)},
		{"comments below the video, 1000 from the middle", comments(idAt(day(commentsDay), c.comments/2), pageLimit)},
		{"what the fan likes, 1000", func(ctx context.Context, _ uint64) error {
			got, err := store.ListFavorites(ctx, userID(fan), math.MaxInt64, pageLimit)
			return enough(len(got), pageLimit, err)
		}},
		{"which of 30 videos the fan likes", func(ctx context.Context, _ uint64) error {
			keys := make([]interactiondb.FavoriteKey, 30)
			for i := range keys {
				keys[i] = interactiondb.FavoriteKey{UserID: userID(fan), VideoID: videoID(hit + 7*i)}
			}
			got, err := store.FavoriteRows(ctx, keys)
			return enough(len(got), len(keys), err)
		}},
		{"counters of the video and the celebrity", func(ctx context.Context, _ uint64) error {
			videos, err := store.VideoStats(ctx, []int64{videoID(hit)})
			if err := enough(len(videos), 1, err); err != nil {
				return err
			}
			users, err := store.UserStats(ctx, []int64{userID(celebrity)})
			return enough(len(users), 1, err)
		}},
		{"like or unlike the video", func(ctx context.Context, n uint64) error {
			return store.Write(ctx, func(tx *interactiondb.Tx) error { return likeHit(tx, n) })
		}},
		{"comment on the video", func(ctx context.Context, n uint64) error {
			return store.Write(ctx, func(tx *interactiondb.Tx) error {
				commentID := idAt(day(messagesDay), int(n))
				if _, err := tx.Comments([]int64{commentID}); err != nil {
					return err
				}
				row := interactiondb.Comment{
					ID: commentID, VideoID: videoID(hit), UserID: userID(fan), Content: commentText, CreatedAtMs: id.Time(commentID).UnixMilli(),
				}
				if err := tx.InsertComments([]interactiondb.Comment{row}); err != nil {
					return err
				}
				return tx.AddVideoStats([]interactiondb.VideoStats{{VideoID: videoID(hit), AuthorID: userID(celebrity), CommentCount: 1}})
			})
		}},
	}
}

// likeHit is a batch of one like, or of the one before taken back, as the writer stores it.
func likeHit(tx *interactiondb.Tx, n uint64) error {
	who, event := userID(celebrity+1+int(n/2)), idAt(day(messagesDay), int(n))
	key := interactiondb.FavoriteKey{UserID: who, VideoID: videoID(hit)}
	rows, err := tx.Favorites([]interactiondb.FavoriteKey{key})
	if err != nil {
		return err
	}
	row, by := interactiondb.Favorite{
		UserID: who, VideoID: key.VideoID, AuthorID: userID(celebrity), Liked: true, LastEvent: event, LikedEvent: event,
	}, int64(1)
	store := tx.InsertFavorites
	if old, ok := rows[key]; ok {
		row, by, store = old, -1, tx.UpdateFavorites
		row.Liked, row.LastEvent = false, event
	}
	if err := store([]interactiondb.Favorite{row}); err != nil {
		return err
	}
	err = tx.AddVideoStats([]interactiondb.VideoStats{{VideoID: key.VideoID, AuthorID: row.AuthorID, FavoriteCount: by}})
	if err != nil {
		return err
	}
	if _, err := tx.DeletedVideos([]int64{key.VideoID}); err != nil {
		return err
	}
	return tx.AddUserStats([]interactiondb.UserStats{{UserID: row.AuthorID, TotalFavorited: by}, {UserID: who, FavoriteCount: by}})
}

// enough is an error when a read failed or found another number of rows.
func enough(got, want int, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("%d rows, want %d", got, want)
	}
	return err
}
