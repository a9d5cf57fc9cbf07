package main

import (
	"context"
	"fmt"
	"slices"

	"tiktok/pkg/id"
	namerules "tiktok/pkg/names"
	"tiktok/pkg/sqldb"
)

// The users and videos of a data set by index.
func userID(i int) int64  { return idAt(day(0), i) }
func videoID(i int) int64 { return id.At(day(1)) + int64(i)*idSecond + (id.Nodes-1)<<7 }

// idSecond is how far ids are apart that are made a second apart.
const idSecond = 1000 << 13

// commentText is below all videos.
const commentText = "what a view, where is this place"

// Days of the data set on which its parts begin.
const (
	commentsDay  = 60
	followsDay   = 90
	favoritesDay = 120
	messagesDay  = 150
)

// filling is one data set on its way into the stores.
type filling struct {
	shape
	db      stores
	say     func(format string, args ...any)
	authors []int32
	size    int64
}

// fill returns the jobs that store everything, one for each schema.
func (s shape) fill(db stores, say func(string, ...any), clipBytes int64) []func(context.Context) error {
	f := &filling{shape: s, db: db, say: say, authors: authorsOf(s.users, s.videos), size: clipBytes}
	return []func(context.Context) error{f.storeUsers, f.storeVideos, f.storeInteractions, f.storeFollows, f.storeChats}
}

func (f *filling) storeUsers(ctx context.Context) error {
	stored, err := hash(ctx)
	if err != nil {
		return err
	}
	policy, err := namerules.New(namerules.Config{})
	if err != nil {
		return err
	}
	b := newBulk(ctx, f.db["user"], "users", "id, username, name_skeleton, password_hash, signature, created_at_ms")
	for i := range f.users {
		name := fmt.Sprint(marked, i)
		if err = b.add(userID(i), name, policy.Key(name), stored, "one of many", id.Time(userID(i)).UnixMilli()); err != nil {
			break
		}
	}
	return b.done(err)
}

func (f *filling) storeVideos(ctx context.Context) (err error) {
	db := f.db["video"]
	works := make(map[int32]int)
	b := newBulk(ctx, db, "videos", "id, author_id, title, play_key, cover_key, published_at_ms, duration_ms, size_bytes, width_px, height_px")
	var last int64
	for i := range f.videos {
		works[f.authors[i]]++
		last = id.Time(videoID(i)).UnixMilli()
		err = b.add(videoID(i), userID(int(f.authors[i])), fmt.Sprint("bench ", i), playKey, coverKey, last, 4000, f.size, 360, 640)
		if err != nil {
			break
		}
	}
	if err := b.done(err); err != nil {
		return err
	}
	b = newBulk(ctx, db, "author_stats", "author_id, work_count")
	for i := range f.users {
		if n := works[int32(i)]; n > 0 {
			if err = b.add(userID(i), n); err != nil {
				break
			}
		}
	}
	if err := b.done(err); err != nil {
		return err
	}
	// What is published from now on is newer than all of these, also where the clock has never been read.
	claim := "INSERT INTO publish_clock (id, last_ms) VALUES (1, ?) ON DUPLICATE KEY UPDATE last_ms = GREATEST(last_ms, VALUES(last_ms))"
	if db.Dialect() == sqldb.SQLite {
		claim = "INSERT INTO publish_clock (id, last_ms) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET last_ms = MAX(last_ms, excluded.last_ms)"
	}
	return db.Write.WithContext(ctx).Exec(claim, last).Error
}

func (f *filling) storeInteractions(ctx context.Context) error {
	liked, commented := make([]int, f.videos), make([]int, f.videos)
	gave, got := make([]int, f.users), make([]int, f.users)
	db := f.db["interaction"]
	err := withoutIndexes(ctx, db, "favorites", func() error { return f.storeFavorites(ctx, db, liked, gave, got) })
	if err != nil {
		return err
	}
	err = withoutIndexes(ctx, db, "comments", func() error { return f.storeComments(ctx, db, commented) })
	if err != nil {
		return err
	}
	b := newBulk(ctx, db, "video_stats", "video_id, author_id, favorite_count, comment_count")
	for i := range f.videos {
		if liked[i]+commented[i] > 0 {
			if err = b.add(videoID(i), userID(int(f.authors[i])), liked[i], commented[i]); err != nil {
				break
			}
		}
	}
	if err := b.done(err); err != nil {
		return err
	}
	b = newBulk(ctx, db, "user_stats", "user_id, total_favorited, favorite_count")
	for i := range f.users {
		if err = b.add(userID(i), got[i], gave[i]); err != nil {
			break
		}
	}
	return b.done(err)
}

// storeFavorites stores the likes in the order of the primary key and counts them: of each video, by and for each user.
func (f *filling) storeFavorites(ctx context.Context, db *sqldb.DB, liked, gave, got []int) error {
	b := newBulk(ctx, db, "favorites", "user_id, video_id, author_id, liked, last_event, liked_event")
	n, said := 0, 0
	err := f.favoritesOf(func(user int, videos []int32) error {
		for _, at := range orderOf(videos) {
			v := int(videos[at])
			author, event := int(f.authors[v]), idAt(day(favoritesDay), n+at)
			if err := b.add(userID(user), videoID(v), userID(author), 1, event, event); err != nil {
				return err
			}
			liked[v]++
			got[author]++
		}
		gave[user] = len(videos)
		if n += len(videos); n-said >= 100_000 {
			said = n
			f.say("%d of %d likes", n, f.favorites)
		}
		return nil
	})
	return b.done(err)
}

func (f *filling) storeComments(ctx context.Context, db *sqldb.DB, commented []int) (err error) {
	popular, r, sample := source(useVideos).Perm(f.videos), source(useComments), newSampler(f.videos, videoPower)
	b := newBulk(ctx, db, "comments", "id, video_id, user_id, content, created_at_ms, deleted")
	for i := range f.comments {
		v, commentID := popular[sample.draw(r)], idAt(day(commentsDay), i)
		commented[v]++
		err = b.add(commentID, videoID(v), userID(r.IntN(f.users)), commentText, id.Time(commentID).UnixMilli(), 0)
		if err != nil {
			break
		}
	}
	return b.done(err)
}

func (f *filling) storeFollows(ctx context.Context) error {
	db, pairs := f.db["social"], f.followPairs()
	order := source(useFollows).Perm(len(pairs)) // when each of them was made
	following, followers := make([]int, f.users), make([]int, f.users)
	err := withoutIndexes(ctx, db, "follows", func() (err error) {
		b := newBulk(ctx, db, "follows", "user_id, to_user_id, id, created_at_ms")
		for i, p := range pairs {
			following[p.user]++
			followers[p.to]++
			followID := idAt(day(followsDay), order[i])
			if err = b.add(userID(int(p.user)), userID(int(p.to)), followID, id.Time(followID).UnixMilli()); err != nil {
				break
			}
		}
		return b.done(err)
	})
	if err != nil {
		return err
	}
	b := newBulk(ctx, db, "social_stats", "user_id, follow_count, follower_count")
	for i := range f.users {
		if err = b.add(userID(i), following[i], followers[i]); err != nil {
			break
		}
	}
	return b.done(err)
}

// storeChats lets each user talk to the next one but a hundred.
func (f *filling) storeChats(ctx context.Context) (err error) {
	const apart, perMinute = 100, 60_000
	if f.users <= apart {
		return nil
	}
	db := f.db["chat"]
	begin := day(messagesDay).UnixMilli()
	talks := newBulk(ctx, db, "conversations", "low_id, high_id, last_at_ms")
	for i := range min(f.chats, f.users-apart) {
		if err = talks.add(userID(i), userID(i+apart), begin+(messagesOfChat-1)*perMinute); err != nil {
			break
		}
	}
	if err := talks.done(err); err != nil {
		return err
	}
	b := newBulk(ctx, db, "messages", "low_id, high_id, created_at_ms, id, from_user_id, content")
	for i := range min(f.chats, f.users-apart) {
		low, high := userID(i), userID(i+apart)
		for k := range messagesOfChat {
			from := low
			if k%2 == 1 {
				from = high
			}
			err = b.add(low, high, begin+int64(k)*perMinute, idAt(day(messagesDay), i*messagesOfChat+k), from, "see you at the usual place")
			if err != nil {
				return b.done(err)
			}
		}
	}
	return b.done(nil)
}

// orderOf are the places of numbers in the order of their size.
func orderOf(numbers []int32) []int {
	order := make([]int, len(numbers))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return int(numbers[a] - numbers[b]) })
	return order
}
