package service

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/config"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// filled is a service with a catalogue, and the world that it is of.
type filled struct {
	*Service
	*world
	sql *sqldb.DB
}

func newFilled(t testing.TB, sql *sqldb.DB, seed uint64) *filled {
	t.Helper()
	w := newWorld(seed, time.Now().Add(-10*24*time.Hour))
	s := New(Deps{
		Store: db.New(sql), Cache: kvtest.Shared(t), Peers: w.peers(t), Tel: telemetry.Discard(), Config: config.Default().Discovery,
		Now: func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at },
	})
	return &filled{s, w, sql}
}

func eachFilled(t *testing.T, fn func(t *testing.T, f *filled)) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, sql *sqldb.DB) { fn(t, newFilled(t, sql, seed)) })
}

// applied applies messages.
func (f *filled) applied(t *testing.T, messages ...outbox.Message) {
	t.Helper()
	for part := range slices.Chunk(messages, outbox.MaxBatch) {
		if err := f.apply(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever happens, and however messages come (late, early, again, by two processes at once), in the end the catalogue shows what is.
func TestApply(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		rng := rand.New(rand.NewPCG(7, f.rng.Uint64()))
		from := 0
		for range 12 {
			for range 60 {
				f.step()
			}
			now := slices.Clone(f.sent[from:])
			from = max(0, len(f.sent)-20) // some come again, and late
			rng.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
			var wg sync.WaitGroup
			for _, part := range [][]outbox.Message{now[:len(now)/2], now[len(now)/3:]} {
				wg.Go(func() {
					for batch := range slices.Chunk(part, 17) {
						if err := f.apply(t.Context(), batch); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
		}
		f.applied(t, f.sent[len(f.sent)-1])
		f.check(t, f.store, f.settings.HalfLife)
		rng.Shuffle(len(f.sent), func(i, j int) { f.sent[i], f.sent[j] = f.sent[j], f.sent[i] })
		before := changedSeq(t, f)
		f.applied(t, f.sent...)
		f.check(t, f.store, f.settings.HalfLife)
		if after := changedSeq(t, f); after != before {
			t.Errorf("messages that came again have changed %d rows", after-before)
		}
	})
}

// changedSeq is the number of the last change.
func changedSeq(t *testing.T, f *filled) int64 {
	t.Helper()
	gone, err := f.store.GoneSince(t.Context(), 1<<60)
	if err != nil {
		t.Fatal(err)
	}
	return gone.Position
}

// A batch costs as many statements as one message does, and one call for names.
func TestApplyCost(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		var authors, videos []int64
		for range 30 {
			authors = append(authors, f.register())
		}
		for _, a := range authors {
			videos = append(videos, f.publish(a, "#a"))
		}
		f.applied(t, f.sent...)
		count := sqldbtest.CountStatements(f.sql)
		cost := func(n int) int {
			f.at = f.at.Add(time.Hour)
			from := len(f.sent)
			for i := range n {
				f.register()
				f.publish(authors[i], "#c")
				f.follow(authors[i], authors[(i+1)%len(authors)])
				f.like(videos[i], authors[:10]...)
				f.rename(authors[i%5], fmt.Sprint(n))
			}
			f.remove(f.publish(authors[0]))
			f.remove(videos[len(videos)-1])
			videos = videos[:len(videos)-1]
			clear(f.calls)
			before := count()
			f.applied(t, f.sent[from:]...)
			if f.calls["MGetUsers"] != 1 || len(f.calls) != 1 {
				t.Errorf("calls: %v", f.calls)
			}
			return count() - before
		}
		few, many := cost(1), cost(25)
		t.Logf("%d statements", few)
		if many > few || few > 25 {
			t.Errorf("%d statements for a few messages, %d for many", few, many)
		}
		f.check(t, f.store, f.settings.HalfLife)
	})
}

// A user with a new name is found by it, and so are their newest videos. Another picture indexes nothing again.
func TestRename(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		author, other := f.register(), f.register()
		mine := []int64{f.publish(author), f.publish(author)}
		f.publish(other)
		f.applied(t, f.sent...)
		before := changedSeq(t, f)
		f.users[author] = &user.User{Id: author, Name: f.users[author].Name, AvatarKey: "avatars/other.png"}
		f.tell(event.TOPIC_ACCOUNT, &event.Event{ProfileChanged: &event.ProfileChanged{UserId: author}})
		f.applied(t, f.sent[len(f.sent)-1])
		if after := changedSeq(t, f); after != before {
			t.Errorf("%d rows are indexed again", after-before)
		}
		f.users[author] = &user.User{Id: author, Name: f.users[author].Name, DisplayName: "新名字"}
		f.tell(event.TOPIC_ACCOUNT, &event.Event{ProfileChanged: &event.ProfileChanged{UserId: author}})
		f.applied(t, f.sent[len(f.sent)-1])
		var ids []int64
		if err := f.sql.Read.Raw("SELECT id FROM videos WHERE changed_seq > ? ORDER BY id", before).Scan(&ids).Error; err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ids, mine) || changedSeq(t, f) != before+3 {
			t.Errorf("videos %v are indexed again, want %v", ids, mine)
		}
		f.check(t, f.store, f.settings.HalfLife)
	})
}

// What happens within the transaction sees what has changed, once, and undoes it by an error.
func TestWithin(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		const u, v, author = 5, 7, 9
		var seen []string
		apply := func(c db.Changes, fails error) {
			t.Helper()
			rules := f.rules(func(_ *gorm.DB, c *db.Changed) error {
				seen = append(seen, fmt.Sprint(
					len(c.LikesBegan), len(c.LikesEnded), len(c.FollowsBegan), len(c.FollowsEnded), len(c.Listed), len(c.Gone),
				))
				return fails
			})
			if _, _, err := f.store.Apply(t.Context(), c, rules); !errors.Is(err, fails) {
				t.Errorf("got %v", err)
			}
		}
		like := func(liked bool, seq int64) db.Changes {
			return db.Changes{
				Likes:   []db.Like{{UserID: u, VideoID: v, AuthorID: author, Liked: liked, AtMs: 1e12, Seq: seq}},
				Follows: []db.Follow{{UserID: u, ToUserID: author, Following: liked, AtMs: 1e12, Seq: seq}},
			}
		}
		failed := errors.New("no")
		apply(like(true, 1), failed)
		apply(like(true, 1), nil)
		apply(like(true, 1), nil)
		apply(like(false, 3), nil)
		apply(like(true, 2), nil)
		apply(db.Changes{Videos: []db.Video{listed(v, author, "#a", 1)}}, nil)
		apply(db.Changes{Videos: []db.Video{{ID: v, AuthorID: author, GoneMs: 5}, {ID: 8, GoneMs: 5}}}, nil)
		apply(db.Changes{Videos: []db.Video{listed(v, author, "#a", 1), listed(8, author, "#a", 1)}}, nil)
		want := []string{
			"1 0 1 0 0 0", "1 0 1 0 0 0", "0 0 0 0 0 0", "0 1 0 1 0 0", "0 0 0 0 0 0", "0 0 0 0 1 0", "0 0 0 0 0 1", "0 0 0 0 0 0",
		}
		if !slices.Equal(seen, want) {
			t.Errorf("seen %q, want %q", seen, want)
		}
	})
}

// What can never be applied says so; a store or a service that is away does not.
func TestApplyPoison(t *testing.T) {
	f := newFilled(t, sqldbtest.SQLite(t, Name, db.Migrations()), 1)
	author := f.register()
	f.rename(author)
	good := f.sent[1]
	late, bad := good, good
	late.AtMs = f.at.Add(-maxLate - time.Minute).UnixMilli()
	bad.Body = []byte(`{"not": "a list"}`)
	for name, m := range map[string]outbox.Message{"late": late, "no list": bad} {
		if err := f.apply(t.Context(), []outbox.Message{m}); !errors.Is(err, outbox.ErrPoison) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.failing = errors.New("away")
	if err := f.apply(t.Context(), []outbox.Message{good}); err == nil || errors.Is(err, outbox.ErrPoison) {
		t.Errorf("without names: %v", err)
	}
	f.failing = nil
	f.applied(t, f.sent...)
	f.check(t, f.store, f.settings.HalfLife)
	if err := f.sql.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.apply(t.Context(), []outbox.Message{good}); err == nil || errors.Is(err, outbox.ErrPoison) {
		t.Errorf("without a store: %v", err)
	}
}

// However many like a video, it is ranked anew once; a video whose rank does not move is not indexed again.
func TestRank(t *testing.T) {
	eachFilled(t, func(t *testing.T, f *filled) {
		var users []int64
		for range 50 {
			users = append(users, f.register())
		}
		v := f.publish(users[0])
		f.like(v, users[:40]...)
		for _, u := range users[1:30] {
			f.follow(u, users[0])
		}
		f.applied(t, f.sent...)
		look := func(want int64) {
			t.Helper()
			before := changedSeq(t, f)
			clear(f.calls)
			videos, authors := f.ranks.take()
			if err := f.rankThese(t.Context(), videos, authors); err != nil {
				t.Error(err)
			}
			if n := changedSeq(t, f) - before; n != want || f.calls["MGetStats"] > 1 || f.calls["MGetRelations"] > 1 {
				t.Errorf("%d rows are indexed again, want %d; calls %v", n, want, f.calls)
			}
		}
		look(2)
		f.like(v, users[40])
		f.applied(t, f.sent[len(f.sent)-1])
		look(0) // a fortieth
		f.like(v, users[41:45]...)
		f.applied(t, f.sent[len(f.sent)-1])
		look(1)
		look(0)
		var got db.Video
		if err := f.sql.Read.Take(&got, "id = ?", v).Error; err != nil || got.Likes != 45 {
			t.Errorf("%d likes, %v", got.Likes, err)
		}
		f.check(t, f.store, f.settings.HalfLife)
	})
}
