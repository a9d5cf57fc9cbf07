package service

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/internal/events"
	"tiktok/cmd/notice/dal/db"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// world is what the other services hold, and the messages that they have written while it became so. It is written plainly, so that
// one can see that what it wants is right.
type world struct {
	t    *testing.T
	rand *rand.Rand
	seqs map[string]int64 // of each service
	sent []outbox.Message
	// at is its clock. It ticks with each event.
	at time.Time

	videos       map[int64]*aVideo
	comments     map[int64]*aComment
	likes        map[[2]int64]int64 // by video and user: since when
	commentLikes map[[2]int64]int64 // by comment and user
	follows      map[[2]int64]int64 // by followed and follower
	uploads      map[int64]*anUpload
	nextID       int64
}

type aVideo struct {
	author   int64
	mentions []int64
	at       int64
	deleted  bool
}

type aComment struct {
	video, author, root, replyTo int64
	mentions                     []int64
	at                           int64
	deleted                      bool
}

type anUpload struct {
	author     int64
	transcoded bool
	state      video.UploadState
	reason     string
	at         int64
}

func newWorld(t *testing.T, seed uint64) *world {
	return &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)), seqs: map[string]int64{}, at: time.Now().Add(-time.Hour).Truncate(time.Millisecond),
		videos: map[int64]*aVideo{}, comments: map[int64]*aComment{}, likes: map[[2]int64]int64{}, commentLikes: map[[2]int64]int64{},
		follows: map[[2]int64]int64{}, uploads: map[int64]*anUpload{}, nextID: 1000,
	}
}

// tell sends events in one message of a service.
func (w *world) tell(service, topic string, all ...*event.Event) {
	w.t.Helper()
	for _, e := range all {
		e.AtMs = w.at.UnixMilli()
	}
	messages, err := events.Messages(topic, all...)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range messages {
		w.seqs[service]++
		m.Seq = w.seqs[service]
		w.sent = append(w.sent, m)
	}
}

func (w *world) tick() int64 {
	w.at = w.at.Add(time.Duration(w.rand.IntN(3)) * time.Millisecond) // several things happen in one millisecond
	return w.at.UnixMilli()
}

const users = 6

func (w *world) user() int64 { return 1 + w.rand.Int64N(users) }

func (w *world) mentions(author int64) (ids []int64) {
	for range w.rand.IntN(3) {
		if u := w.user(); u != author && !slices.Contains(ids, u) {
			ids = append(ids, u)
		}
	}
	return ids
}

// pick is a random key of a map; order makes it the same for the same seed.
func pick[K int64, V any](w *world, m map[K]V) (K, bool) {
	if len(m) == 0 {
		return 0, false
	}
	keys := slices.Sorted(maps.Keys(m))
	return keys[w.rand.IntN(len(keys))], true
}

// step does one thing.
func (w *world) step() {
	now := w.tick()
	w.nextID++
	switch w.rand.IntN(14) {
	case 0:
		v := &aVideo{author: w.user(), at: now}
		v.mentions = w.mentions(v.author)
		w.videos[w.nextID] = v
		w.tell("video", event.TOPIC_VIDEO, &event.Event{VideoListed: &event.VideoListed{
			VideoId: w.nextID, AuthorId: v.author, MentionedUserIds: v.mentions, PublishedAtMs: v.at,
		}})
	case 1, 2, 3:
		w.like()
	case 4, 5:
		w.comment(now)
	case 6:
		if id, ok := pick(w, w.comments); ok && !w.comments[id].deleted {
			w.uncomment(id)
		}
	case 7, 8:
		w.likeComment(now)
	case 9, 10:
		key := [2]int64{w.user(), w.user()}
		if key[0] == key[1] {
			return
		}
		f := &event.FollowChanged{ToUserId: key[0], UserId: key[1]}
		if w.follows[key] == 0 {
			w.follows[key], f.Following, f.AtMs = now, true, now
		} else {
			delete(w.follows, key)
		}
		w.tell("social", event.TOPIC_FOLLOW, &event.Event{FollowChanged: f})
	case 11, 12:
		w.upload(now)
	case 13:
		if w.rand.IntN(4) == 0 {
			w.unlist()
		}
	}
}

// like lets several users like a video, or take that back, in one message.
func (w *world) like() {
	id, ok := pick(w, w.videos)
	if !ok || w.videos[id].deleted {
		return
	}
	var likes []*event.Like
	for u := int64(1); u <= users; u++ {
		if w.rand.IntN(3) > 0 {
			continue
		}
		key := [2]int64{id, u}
		if w.likes[key] == 0 {
			w.likes[key] = w.at.UnixMilli()
			likes = append(likes, &event.Like{UserId: u, Liked: true, AtMs: w.likes[key]})
		} else {
			delete(w.likes, key)
			likes = append(likes, &event.Like{UserId: u})
		}
	}
	w.tell("interaction", event.TOPIC_LIKE, &event.Event{VideoLikes: &event.VideoLikes{
		VideoId: id, AuthorId: w.videos[id].author, Likes: likes,
	}})
}

func (w *world) comment(now int64) {
	v, ok := pick(w, w.videos)
	if !ok || w.videos[v].deleted {
		return
	}
	c := &aComment{video: v, author: w.user(), at: now}
	c.mentions = w.mentions(c.author)
	if to, ok := pick(w, w.comments); ok && w.rand.IntN(2) == 0 && w.comments[to].video == v && !w.comments[to].deleted {
		c.replyTo, c.root = to, w.comments[to].root
		if c.root == 0 {
			c.root = to
		}
	}
	w.comments[w.nextID] = c
	w.tell("interaction", event.TOPIC_COMMENT, w.commentEvent(w.nextID))
}

func (w *world) commentEvent(id int64) *event.Event {
	c := w.comments[id]
	e := &event.CommentChanged{
		CommentId: id, VideoId: c.video, VideoAuthorId: w.videos[c.video].author, UserId: c.author, CreatedAtMs: c.at,
		RootId: c.root, ReplyToId: c.replyTo, MentionedUserIds: c.mentions, Deleted: c.deleted,
	}
	if c.replyTo != 0 {
		e.ReplyToUserId = w.comments[c.replyTo].author
	}
	return &event.Event{CommentChanged: e}
}

// uncomment deletes a comment and its answers.
func (w *world) uncomment(id int64) {
	for _, other := range slices.Sorted(maps.Keys(w.comments)) {
		if c := w.comments[other]; !c.deleted && (other == id || c.root == id) {
			c.deleted = true
			w.tell("interaction", event.TOPIC_COMMENT, w.commentEvent(other))
		}
	}
}

func (w *world) likeComment(now int64) {
	id, ok := pick(w, w.comments)
	if !ok {
		return
	}
	c, key := w.comments[id], [2]int64{id, w.user()}
	like := &event.Like{UserId: key[1]}
	if w.commentLikes[key] == 0 { // also of a comment that was deleted a moment ago
		w.commentLikes[key], like.Liked, like.AtMs = now, true, now
	} else {
		delete(w.commentLikes, key)
	}
	w.tell("interaction", event.TOPIC_LIKE, &event.Event{CommentLikes: &event.CommentLikes{
		CommentId: id, VideoId: c.video, AuthorId: c.author, Likes: []*event.Like{like},
	}})
}

func (w *world) upload(now int64) {
	id, ok := pick(w, w.uploads)
	if !ok || w.rand.IntN(3) == 0 {
		id = w.nextID
		w.uploads[id] = &anUpload{author: w.user(), transcoded: w.rand.IntN(2) == 0}
	}
	u := w.uploads[id]
	u.state = []video.UploadState{
		video.UploadState_PROCESSING, video.UploadState_READY, video.UploadState_FAILED,
	}[w.rand.IntN(3)]
	if u.reason = ""; u.state == video.UploadState_FAILED {
		u.reason = fmt.Sprint("reason ", w.rand.IntN(3))
	}
	if u.state == video.UploadState_PROCESSING {
		u.state = video.UploadState_FAILED // what was told before stays: to keep that simple, nothing is under way in the end
		u.reason = "again"
		w.tell("video", event.TOPIC_UPLOAD, &event.Event{UploadStateChanged: &event.UploadStateChanged{
			VideoId: id, AuthorId: u.author, State: int32(video.UploadState_PROCESSING), Transcoded: u.transcoded,
		}})
	}
	u.at = now
	w.tell("video", event.TOPIC_UPLOAD, &event.Event{UploadStateChanged: &event.UploadStateChanged{
		VideoId: id, AuthorId: u.author, State: int32(u.state), Transcoded: u.transcoded, Reason: u.reason, Title: "title",
	}})
}

// unlist deletes a video with its comments and likes, or an upload.
func (w *world) unlist() {
	if id, ok := pick(w, w.uploads); ok && w.rand.IntN(2) == 0 {
		w.tell("video", event.TOPIC_VIDEO, &event.Event{VideoDeleted: &event.VideoDeleted{VideoId: id, AuthorId: w.uploads[id].author}})
		delete(w.uploads, id)
		return
	}
	id, ok := pick(w, w.videos)
	if !ok || w.videos[id].deleted {
		return
	}
	v := w.videos[id]
	v.deleted = true
	w.tell("video", event.TOPIC_VIDEO, &event.Event{VideoDeleted: &event.VideoDeleted{
		VideoId: id, AuthorId: v.author, MentionedUserIds: v.mentions,
	}})
	for c, comment := range w.comments {
		if comment.video == id && !comment.deleted {
			comment.deleted = true
			w.tell("interaction", event.TOPIC_COMMENT, w.commentEvent(c))
		}
	}
	for u := int64(1); u <= users; u++ {
		if key := [2]int64{id, u}; w.likes[key] != 0 {
			delete(w.likes, key)
			w.tell("interaction", event.TOPIC_LIKE, &event.Event{VideoLikes: &event.VideoLikes{
				VideoId: id, AuthorId: v.author, Likes: []*event.Like{{UserId: u}},
			}})
		}
	}
}

// wanted are all entries that shall be there.
func (w *world) wanted() []db.Entry {
	var all []db.Entry
	add := func(user int64, kind int, subject, entry, actor, at int64) {
		if user != actor {
			key := db.Key{UserID: user, Kind: kind, SubjectID: subject}
			all = append(all, db.Entry{Key: key, EntryID: entry, ActorID: actor, AtMs: at, Present: true})
		}
	}
	for key, at := range w.likes {
		add(w.videos[key[0]].author, db.KindLike, key[0], key[1], key[1], at)
	}
	for key, at := range w.commentLikes {
		if c := w.comments[key[0]]; !c.deleted {
			add(c.author, db.KindCommentLike, key[0], key[1], key[1], at)
		}
	}
	for key, at := range w.follows {
		add(key[0], db.KindFollow, 0, key[1], key[1], at)
	}
	for id, v := range w.videos {
		for _, u := range v.mentions {
			if !v.deleted {
				add(u, db.KindMention, id, 0, v.author, v.at)
			}
		}
	}
	for id, u := range w.uploads {
		if u.state == video.UploadState_FAILED || u.state == video.UploadState_READY && u.transcoded {
			add(u.author, db.KindUpload, id, 0, 0, u.at)
		}
	}
	for id, c := range w.comments {
		if c.deleted {
			continue
		}
		answered, author := int64(0), w.videos[c.video].author
		if c.replyTo != 0 {
			answered = w.comments[c.replyTo].author
			add(answered, db.KindReply, c.replyTo, id, c.author, c.at)
		}
		if author != answered {
			add(author, db.KindComment, c.video, id, c.author, c.at)
		}
		for _, u := range c.mentions {
			if u != answered && u != author {
				add(u, db.KindMention, c.video, id, c.author, c.at)
			}
		}
	}
	slices.SortFunc(all, func(a, b db.Entry) int { return cmpEntries(a, b) })
	return all
}

func cmpEntries(a, b db.Entry) int {
	return slices.Compare([]int64{a.UserID, int64(a.Kind), a.SubjectID, a.EntryID}, []int64{b.UserID, int64(b.Kind), b.SubjectID, b.EntryID})
}

// check compares what is stored with what shall be there.
func (w *world) check(t *testing.T, store *db.Store) {
	t.Helper()
	want := w.wanted()
	groups := map[db.Key]*db.Notice{}
	for _, e := range want {
		if groups[e.Key] == nil {
			groups[e.Key] = &db.Notice{Key: e.Key}
		}
		groups[e.Key].Entries++
		groups[e.Key].NewestMs = max(groups[e.Key].NewestMs, e.AtMs)
		if e.Kind == db.KindUpload {
			u := w.uploads[e.SubjectID]
			groups[e.Key].Failed, groups[e.Key].Reason = u.state == video.UploadState_FAILED, u.reason
		}
	}
	stored, err := store.EntriesAfter(t.Context(), db.EntryKey{}, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	notices, err := store.NoticesAfter(t.Context(), db.Key{}, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	gone := map[db.Key]bool{}
	for _, n := range notices {
		gone[n.Key] = n.GoneMs != 0
		wanted := groups[n.Key]
		if wanted == nil {
			wanted = &db.Notice{Key: n.Key}
		}
		delete(groups, n.Key)
		got := db.Notice{Key: n.Key, Entries: n.Entries, NewestMs: n.NewestMs}
		if n.Entries > 0 {
			got.Failed, got.Reason = n.Failed, n.Reason
		}
		if diff := cmp.Diff(*wanted, got); diff != "" {
			t.Errorf("notice %v: %s", n.Key, diff)
		}
	}
	for k := range groups {
		t.Errorf("notice %v is missing", k)
	}
	var got []db.Entry
	for _, e := range stored {
		if e.Present && !gone[e.Key] {
			e.Seq = 0
			got = append(got, e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// Whatever happens, and however its messages come (late, again, in any order, in batches of any size, to two processes at once), the
// notices are those of the world as it is then.
func TestAnyOrderMakesTheSameNotices(t *testing.T) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		for round := range uint64(4) {
			seed := uint64(time.Now().UnixNano()) + round
			w := newWorld(t, seed)
			for range 400 {
				w.step()
			}
			for name, stream := range w.streams() {
				t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
					empty(t, sql)
					f := on(t, sql, options{})
					for batch := range slices.Chunk(stream, 1+w.rand.IntN(60)) {
						f.apply(t, batch...)
					}
					w.check(t, f.store)
				})
			}
			t.Run(fmt.Sprint("two at once ", seed), func(t *testing.T) {
				empty(t, sql)
				f := on(t, sql, options{})
				done := make(chan error)
				for _, stream := range [][]outbox.Message{w.shuffled(w.sent), w.shuffled(w.sent)} {
					go func() {
						var err error
						for batch := range slices.Chunk(stream, 40) {
							if err == nil {
								err = f.Service.apply(t.Context(), batch)
							}
						}
						done <- err
					}()
				}
				for range 2 {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
				w.check(t, f.store)
			})
		}
	})
}

// streams are ways in which the messages may come.
func (w *world) streams() map[string][]outbox.Message {
	again := slices.Clone(w.sent)
	for range w.sent { // a relay that was killed begins again some messages back
		at := w.rand.IntN(len(again))
		again = slices.Insert(again, at, again[max(0, at-5):at]...)
		if len(again) > 3*len(w.sent) {
			break
		}
	}
	return map[string][]outbox.Message{
		"in order": w.sent, "repeated": again, "shuffled": w.shuffled(w.sent), "shuffled and repeated": w.shuffled(slices.Concat(w.sent, w.sent)),
	}
}

func (w *world) shuffled(messages []outbox.Message) []outbox.Message {
	out := slices.Clone(messages)
	w.rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// empty removes all rows.
func empty(t *testing.T, sql *sqldb.DB) {
	t.Helper()
	for _, table := range []string{"notices", "notice_entries", "notice_readers"} {
		if err := sql.Write.Exec("DELETE FROM " + table).Error; err != nil {
			t.Fatal(err)
		}
	}
}
