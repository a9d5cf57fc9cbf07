package dataset

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/auth"
	"tiktok/pkg/blob"
	"tiktok/pkg/id"
	namerules "tiktok/pkg/names"
	"tiktok/pkg/sqldb"
)

const (
	// marked begins the names of users and the keys of videos that were made here.
	marked = "bench_"
	// Password is every such user's.
	Password = "bench-password"
	// Clip is what all videos show, a file of the repository without its ending.
	Clip = "cmd/tiktok/app/demo/clips/aurora"
	// PlayKey and coverKey are where its files are in the blob store.
	PlayKey, coverKey = "bench/clip.mp4", "bench/clip.jpg"
	// commentText is below all videos.
	commentText = "what a view, where is this place"
)

const (
	// insertRows is the number of rows of one statement, commitRows that of one transaction.
	insertRows, commitRows = 1000, 100_000
)

// Stores are the open schemas by service.
type Stores map[string]*sqldb.DB

// WithStores opens the schemas of a deployment for as long as f runs.
func WithStores(t testing.TB, cfg sqldb.Config, f func(db Stores)) {
	t.Helper()
	db := Stores{}
	defer func() {
		for _, s := range db {
			check(t, s.Close())
		}
	}()
	for _, service := range services.All() {
		if service.Migrations == nil {
			continue
		}
		s, err := sqldb.Open(t.Context(), cfg, service.Name)
		check(t, err)
		db[service.Name] = s
	}
	f(db)
}

// rows are what is stored into a table, each in the order of its columns.
type rows = iter.Seq[[]any]

// insert stores rows, many with one statement and more in one transaction.
func insert(ctx context.Context, db *sqldb.DB, table, columns string, all rows) error {
	pool, err := db.Write.DB()
	if err != nil {
		return err
	}
	one := "(?" + strings.Repeat(",?", strings.Count(columns, ",")) + ")"
	statement := func(n int) string {
		return "INSERT INTO " + table + " (" + columns + ") VALUES " + one + strings.Repeat(","+one, n-1)
	}
	many := statement(insertRows)
	next, stop := iter.Pull(all)
	defer stop()
	for more := true; more; {
		tx, err := pool.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		for done := 0; more && done < commitRows; done += insertRows {
			var args []any
			n := 0
			for ; n < insertRows; n++ {
				var row []any
				if row, more = next(); !more {
					break
				}
				args = append(args, row...)
			}
			query := many
			if n < insertRows {
				query = statement(max(n, 1))
			}
			if n == 0 {
				break
			}
			if _, err := tx.ExecContext(ctx, query, args...); err != nil {
				return errors.Join(fmt.Errorf("%s: %w", table, err), tx.Rollback())
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

// Load makes a data set of that shape past the API of a deployment, unless there is one: registering ten thousand users
// takes minutes, because a Password hash is slow by design. The schemas must be there and nothing may run. What is there
// is taken as it is, whatever its size.
func Load(t testing.TB, cfg config.Config, s Shape) {
	t.Helper()
	WithStores(t, cfg.DB, func(db Stores) {
		var some []int64
		check(t, db["user"].Read.Raw("SELECT id FROM users WHERE username >= ? AND username < ? LIMIT 1", marked, marked+"~").Scan(&some).Error)
		if len(some) > 0 {
			return
		}
		for _, schema := range db {
			if schema.Dialect() == sqldb.SQLite { // what is lost with the machine can be loaded again
				check(t, schema.Write.Exec("PRAGMA synchronous = OFF").Error)
			}
		}
		f := &filling{
			Shape: s, db: db, authors: authorsOf(s.Users, s.videos), size: storeClip(t, cfg.Blob), halfLife: cfg.Discovery.HalfLife,
		}
		g, ctx := errgroup.WithContext(t.Context())
		for _, job := range []func(context.Context) error{
			f.storeUsers, f.storeVideos, f.storeInteractions, f.storeFollows, f.storeChats, f.storeDiscovery,
		} {
			g.Go(func() error { return job(ctx) })
		}
		check(t, g.Wait())
	})
}

// storeClip stores the files of all videos and returns the size of the clip in bytes.
func storeClip(t testing.TB, cfg blob.Config) (size int64) {
	t.Helper()
	blobs, err := blob.Open(t.Context(), cfg)
	check(t, err)
	for _, m := range []struct{ key, kind string }{{coverKey, "image/jpeg"}, {PlayKey, "video/mp4"}} {
		f, err := os.Open(Clip + filepath.Ext(m.key))
		check(t, err)
		size, err = blobs.Put(t.Context(), m.key, f, m.kind)
		check(t, errors.Join(err, f.Close()))
	}
	return size
}

// Hash is the stored form of Password: one for all, as nobody's secret is behind it.
func Hash(ctx context.Context) (string, error) { return auth.NewHasher(1).Hash(ctx, "", Password) }

// filling is one data set on its way into the stores.
type filling struct {
	Shape
	db      Stores
	authors []int32
	size    int64
	// halfLife is that of heat.
	halfLife time.Duration
}

// each are n rows by index; nil rows are left out.
func each(n int, row func(i int) []any) rows {
	return func(yield func([]any) bool) {
		for i := range n {
			if r := row(i); r != nil && !yield(r) {
				return
			}
		}
	}
}

func (f *filling) storeUsers(ctx context.Context) error {
	stored, err := Hash(ctx)
	if err != nil {
		return err
	}
	policy, err := namerules.New(namerules.Config{})
	if err != nil {
		return err
	}
	const columns = "id, username, name_skeleton, password_hash, signature, created_at_ms"
	return insert(ctx, f.db["user"], "users", columns, each(f.Users, func(i int) []any {
		name := fmt.Sprint(marked, i)
		return []any{f.userID(i), name, policy.Key(name), stored, "one of many", id.Time(f.userID(i)).UnixMilli()}
	}))
}

func (f *filling) storeVideos(ctx context.Context) error {
	db, works, titles := f.db["video"], make([]int, f.Users), newTitles()
	published := func(i int) int64 { return id.Time(f.videoID(i)).UnixMilli() }
	const columns = "id, author_id, title, play_key, cover_key, published_at_ms, duration_ms, size_bytes, width_px, height_px"
	err := insert(ctx, db, "videos", columns, each(f.videos, func(i int) []any {
		works[f.authors[i]]++
		return []any{f.videoID(i), f.userID(int(f.authors[i])), titles.title(i), PlayKey, coverKey, published(i), 4000, f.size, 360, 640}
	}))
	if err != nil {
		return err
	}
	err = insert(ctx, db, "author_stats", "author_id, work_count", each(f.Users, func(i int) []any {
		if works[i] == 0 {
			return nil
		}
		return []any{f.userID(i), works[i]}
	}))
	if err != nil {
		return err
	}
	// What is published from now on is newer than all of these, also where the clock has never been read.
	claim := "INSERT INTO publish_clock (id, last_ms) VALUES (1, ?) ON DUPLICATE KEY UPDATE last_ms = GREATEST(last_ms, VALUES(last_ms))"
	if db.Dialect() == sqldb.SQLite {
		claim = "INSERT INTO publish_clock (id, last_ms) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET last_ms = MAX(last_ms, excluded.last_ms)"
	}
	return db.Write.WithContext(ctx).Exec(claim, published(f.videos-1)).Error
}

// likeOf is a like, with users and video as indexes.
type likeOf struct {
	user, video, author int
	event               int64
}

// eachLike are the rows of all likes, in the order of users and videos.
func (f *filling) eachLike(row func(l likeOf) []any) rows {
	return func(yield func([]any) bool) {
		n, going := 0, true
		f.favoritesOf(func(user int, videos []int32) {
			order := make(map[int32]int, len(videos)) // of the likes
			for i, v := range videos {
				order[v] = n + i
			}
			n += len(videos)
			slices.Sort(videos)
			for _, v := range videos {
				l := likeOf{user, int(v), int(f.authors[v]), f.idAt(favoritesDay, order[v])}
				going = going && yield(row(l))
			}
		})
	}
}

func (f *filling) storeInteractions(ctx context.Context) error {
	db := f.db["interaction"]
	liked, commented := make([]int, f.videos), make([]int, f.videos)
	gave, got := make([]int, f.Users), make([]int, f.Users)
	const columns = "user_id, video_id, author_id, liked, last_event, liked_event"
	err := insert(ctx, db, "favorites", columns, f.eachLike(func(l likeOf) []any {
		liked[l.video]++
		gave[l.user]++
		got[l.author]++
		return []any{f.userID(l.user), f.videoID(l.video), f.userID(l.author), 1, l.event, l.event}
	}))
	if err != nil {
		return err
	}
	popular, r, sample := source(useVideos).Perm(f.videos), source(useComments), newSampler(f.videos, videoPower)
	err = insert(ctx, db, "comments", "id, video_id, user_id, content, created_at_ms, deleted", each(f.comments, func(i int) []any {
		v, commentID := popular[sample.draw(r)], f.idAt(commentsDay, i)
		commented[v]++
		return []any{commentID, f.videoID(v), f.userID(r.IntN(f.Users)), commentText, id.Time(commentID).UnixMilli(), 0}
	}))
	if err != nil {
		return err
	}
	err = insert(ctx, db, "video_stats", "video_id, author_id, favorite_count, comment_count", each(f.videos, func(i int) []any {
		if liked[i]+commented[i] == 0 {
			return nil
		}
		return []any{f.videoID(i), f.userID(int(f.authors[i])), liked[i], commented[i]}
	}))
	if err != nil {
		return err
	}
	return insert(ctx, db, "user_stats", "user_id, total_favorited, favorite_count", each(f.Users, func(i int) []any {
		return []any{f.userID(i), got[i], gave[i]}
	}))
}

// followsInOrder are all follows in the order of the users; made is the id of one, by when it was made.
func (f *filling) followsInOrder() (pairs []pairOf, made func(i int) int64) {
	pairs = f.followPairs()
	order := source(useFollows).Perm(len(pairs))
	return pairs, func(i int) int64 { return f.idAt(followsDay, order[i]) }
}

func (f *filling) storeFollows(ctx context.Context) error {
	db := f.db["social"]
	pairs, made := f.followsInOrder()
	following, followers := make([]int, f.Users), make([]int, f.Users)
	err := insert(ctx, db, "follows", "user_id, to_user_id, id, created_at_ms", each(len(pairs), func(i int) []any {
		p, followID := pairs[i], made(i)
		following[p.user]++
		followers[p.to]++
		return []any{f.userID(int(p.user)), f.userID(int(p.to)), followID, id.Time(followID).UnixMilli()}
	}))
	if err != nil {
		return err
	}
	return insert(ctx, db, "social_stats", "user_id, follow_count, follower_count", each(f.Users, func(i int) []any {
		return []any{f.userID(i), following[i], followers[i]}
	}))
}

// storeChats lets each user talk to the next one but a hundred, a message a minute.
func (f *filling) storeChats(ctx context.Context) error {
	const apart, minute = 100, 60_000
	begin, talks := f.day(messagesDay).UnixMilli(), max(0, min(f.chats, f.Users-apart))
	err := insert(ctx, f.db["chat"], "conversations", "low_id, high_id, last_at_ms", each(talks, func(i int) []any {
		return []any{f.userID(i), f.userID(i + apart), begin + (messagesOfChat-1)*minute}
	}))
	if err != nil {
		return err
	}
	const columns = "low_id, high_id, created_at_ms, id, from_user_id, content"
	return insert(ctx, f.db["chat"], "messages", columns, each(talks*messagesOfChat, func(n int) []any {
		i, k := n/messagesOfChat, n%messagesOfChat
		from := f.userID(i + k%2*apart)
		return []any{f.userID(i), f.userID(i + apart), begin + int64(k)*minute, f.idAt(messagesDay, n), from, "see you at the usual place"}
	}))
}
