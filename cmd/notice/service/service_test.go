package service

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/notice/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/errno"
	"tiktok/pkg/outbox"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// The kinds of the store are those of the RPCs.
func TestKinds(t *testing.T) {
	for got, want := range map[int]notice.Kind{
		db.KindLike: notice.Kind_LIKE, db.KindComment: notice.Kind_COMMENT, db.KindReply: notice.Kind_REPLY, db.KindMention: notice.Kind_MENTION,
		db.KindFollow: notice.Kind_FOLLOW, db.KindCommentLike: notice.Kind_COMMENT_LIKE, db.KindUpload: notice.Kind_UPLOAD,
	} {
		if int(want) != got || want.String() == "<UNSET>" {
			t.Errorf("%d is %v", got, want)
		}
	}
	if _, err := notice.KindFromString(notice.Kind(db.Kinds + 1).String()); err == nil {
		t.Error("there are more kinds")
	}
	if db.MaxUnread != int(notice.MAX_UNREAD) {
		t.Errorf("%d are counted, want %d", db.MaxUnread, notice.MAX_UNREAD)
	}
}

// ids are what one notice of each kind is about in TestNotices.
const (
	author, commenter, other, mentioned = 1, 2, 3, 4
	aVideoID, rootID, replyID           = 100, 200, 201
)

func comment(id, writer, replyTo, replyToUser int64, mentions ...int64) *event.CommentChanged {
	c := &event.CommentChanged{
		CommentId: id, VideoId: aVideoID, VideoAuthorId: author, UserId: writer, CreatedAtMs: id * 1000, MentionedUserIds: mentions,
		ReplyToId: replyTo, ReplyToUserId: replyToUser,
	}
	if replyTo != 0 {
		c.RootId = rootID
	}
	return c
}

func of(c *event.CommentChanged) *event.Event { return &event.Event{CommentChanged: c} }

func deleted(c *event.CommentChanged) *event.Event {
	d := *c
	d.Deleted = true
	return of(&d)
}

// Who is told what of a comment: each user one thing at most, and nobody of their own.
func TestRecipients(t *testing.T) {
	at := func(user int64, kind int, subject int64) db.Key {
		return db.Key{UserID: user, Kind: kind, SubjectID: subject}
	}
	for name, c := range map[string]struct {
		comment *event.CommentChanged
		want    []db.Key
	}{
		"a thread": {comment(rootID, commenter, 0, 0), []db.Key{at(author, db.KindComment, aVideoID)}},
		"an answer": {comment(replyID, other, rootID, commenter), []db.Key{
			at(commenter, db.KindReply, rootID), at(author, db.KindComment, aVideoID),
		}},
		"an answer to the author": {comment(replyID, other, rootID, author), []db.Key{at(author, db.KindReply, rootID)}},
		"the author answers":      {comment(replyID, author, rootID, commenter), []db.Key{at(commenter, db.KindReply, rootID)}},
		"answering oneself":       {comment(replyID, commenter, rootID, commenter), []db.Key{at(author, db.KindComment, aVideoID)}},
		"the author's own":        {comment(rootID, author, 0, 0), nil},
		"mentions": {comment(replyID, other, rootID, commenter, mentioned, commenter, author, other, mentioned), []db.Key{
			at(commenter, db.KindReply, rootID), at(author, db.KindComment, aVideoID), at(mentioned, db.KindMention, aVideoID),
		}},
		"author unknown": {&event.CommentChanged{CommentId: 1, VideoId: 2, UserId: 3}, nil},
	} {
		if diff := cmp.Diff(c.want, recipients(c.comment)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// One of each kind, as its user sees it; then all is taken back.
func TestNotices(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		root := comment(rootID, commenter, 0, 0, mentioned)
		reply := comment(replyID, other, rootID, commenter)
		listed := &event.VideoListed{
			VideoId: aVideoID, AuthorId: author, MentionedUserIds: []int64{mentioned}, PublishedAtMs: 5, Title: "hi @mentioned",
		}
		likes := &event.CommentLikes{CommentId: rootID, VideoId: aVideoID, AuthorId: commenter, Likes: []*event.Like{
			{UserId: other, Liked: true, AtMs: 70}, {UserId: commenter, Liked: true, AtMs: 71},
		}}
		f.happens(t, &event.Event{VideoListed: listed})
		f.happens(t, of(root), of(reply))
		f.happens(t, &event.Event{CommentLikes: likes})
		f.happens(t, f.like(aVideoID, author, true, other, author))
		likedAt := f.at
		f.happens(t, f.follow(other, author, true))
		followedAt := f.at
		f.happens(t,
			&event.Event{UploadStateChanged: &event.UploadStateChanged{
				VideoId: 300, AuthorId: author, State: int32(video.UploadState_FAILED), Reason: "no sound", Title: "mine",
			}},
			&event.Event{UploadStateChanged: &event.UploadStateChanged{
				VideoId: 301, AuthorId: author, State: int32(video.UploadState_READY), Title: "good", Transcoded: true,
			}},
			&event.Event{UploadStateChanged: &event.UploadStateChanged{VideoId: 302, AuthorId: author, State: int32(video.UploadState_READY)}},
		)
		want := map[int64][]*notice.Notice{
			author: {
				{
					Kind: notice.Kind_UPLOAD, SubjectId: 301, VideoId: 301, Count: 1, ActorIds: []int64{}, NewestAtMs_: f.at, Unread: true,
					Title: "good",
				},
				{
					Kind: notice.Kind_UPLOAD, SubjectId: 300, VideoId: 300, Count: 1, ActorIds: []int64{}, NewestAtMs_: f.at, Unread: true,
					Failed: true, Reason: "no sound", Title: "mine",
				},
				{Kind: notice.Kind_FOLLOW, Count: 1, ActorIds: []int64{other}, NewestAtMs_: followedAt, Unread: true},
				{
					Kind: notice.Kind_LIKE, SubjectId: aVideoID, VideoId: aVideoID, Count: 1, ActorIds: []int64{other}, NewestAtMs_: likedAt,
					Unread: true,
				},
				{
					Kind: notice.Kind_COMMENT, SubjectId: aVideoID, VideoId: aVideoID, Count: 2, ActorIds: []int64{other, commenter}, CommentId: replyID,
					NewestAtMs_: replyID * 1000, Unread: true,
				},
			},
			commenter: {
				{
					Kind: notice.Kind_REPLY, SubjectId: rootID, VideoId: aVideoID, Count: 1, ActorIds: []int64{other}, CommentId: replyID,
					NewestAtMs_: replyID * 1000, Unread: true,
				},
				{
					Kind: notice.Kind_COMMENT_LIKE, SubjectId: rootID, VideoId: aVideoID, Count: 1, ActorIds: []int64{other}, CommentId: rootID,
					NewestAtMs_: 70, Unread: true,
				},
			},
			mentioned: {{
				Kind: notice.Kind_MENTION, SubjectId: aVideoID, VideoId: aVideoID, Count: 2, ActorIds: []int64{commenter, author}, CommentId: rootID,
				NewestAtMs_: rootID * 1000, Unread: true,
			}},
			other: {},
		}
		for user, notices := range want {
			if diff := cmp.Diff(notices, f.list(t, user)); diff != "" {
				t.Errorf("user %d (-want +got):\n%s", user, diff)
			}
			same(t, fmt.Sprint("unread of ", user), int32(len(notices)), f.unreadOf(t, user))
		}
		// The comment goes, and the title's mention is left.
		f.happens(t, deleted(reply), deleted(root))
		got := f.list(t, mentioned)
		if len(got) != 1 || got[0].CommentId != 0 || got[0].Count != 1 || got[0].NewestAtMs_ != 5 || got[0].ActorIds[0] != author {
			t.Errorf("only the title mentions: %+v", got)
		}
		f.happens(t, f.like(aVideoID, author, false, other), f.follow(other, author, false))
		f.happens(t, &event.Event{VideoDeleted: &event.VideoDeleted{VideoId: aVideoID, AuthorId: author, MentionedUserIds: []int64{mentioned}}})
		for id := int64(300); id < 303; id++ {
			f.happens(t, &event.Event{VideoDeleted: &event.VideoDeleted{VideoId: id, AuthorId: author}})
		}
		f.happens(t, &event.Event{CommentLikes: likes}) // which comes too late
		for user := range want {
			if left := f.list(t, user); len(left) != 0 || f.unreadOf(t, user) != 0 {
				t.Errorf("user %d still has %+v", user, left)
			}
		}
	})
}

func same[T comparable](t testing.TB, what string, want, got T) {
	t.Helper()
	if want != got {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// 10,000 people like one video: one notice, in a number of statements that does not grow with them, and one unread notice.
func TestManyLikesAreOneNotice(t *testing.T) {
	const likers = 10_000
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		f := on(t, sql, options{})
		count := sqldbtest.CountStatements(sql)
		var batch []outbox.Message
		began := time.Now()
		for first := int64(0); first < likers; first += 200 { // what the like writer stores at once
			users := make([]int64, 200)
			for i := range users {
				users[i] = 1000 + first + int64(i)
			}
			if batch = append(batch, f.message(t, f.like(aVideoID, author, true, users...))); len(batch) == 5 {
				f.apply(t, batch...)
				batch = nil
			}
		}
		t.Logf("%d likes: %d statements, %v", likers, count(), time.Since(began))
		if n := count(); n > 10*8 {
			t.Errorf("%d statements for 10 batches", n)
		}
		got := f.list(t, author)
		if len(got) != 1 || got[0].Count != likers || !slices.Equal(got[0].ActorIds, []int64{10_999, 10_998, 10_997}) {
			t.Errorf("got %+v", got)
		}
		same(t, "unread", 1, f.unreadOf(t, author))
		// One of them takes it back: that they were the newest costs one look.
		before := count()
		f.happens(t, f.like(aVideoID, author, false, 10_999))
		same(t, "statements of one unlike", true, count()-before <= 8)
		if got := f.list(t, author); got[0].Count != likers-1 || got[0].ActorIds[0] != 10_998 {
			t.Errorf("got %+v", got[0])
		}
	})
}

// Pages hold every notice once, in order, whatever the size; a page costs three statements.
func TestPages(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var all []*event.Event
		for i := range int64(30) { // several at the same time, and of several kinds
			all = append(all, f.like(500+i, author, true, other))
			if i%5 == 4 {
				all = append(all, of(&event.CommentChanged{
					CommentId: 900 + i, VideoId: 500 + i, VideoAuthorId: author, UserId: other, CreatedAtMs: f.at + 1,
				}))
				f.happens(t, all...)
				all = nil
			}
		}
		whole := f.list(t, author)
		same(t, "notices", 36, len(whole))
		if !slices.IsSortedFunc(whole, func(a, b *notice.Notice) int {
			return -slices.Compare([]int64{a.NewestAtMs_, int64(a.Kind), a.SubjectId}, []int64{b.NewestAtMs_, int64(b.Kind), b.SubjectId})
		}) {
			t.Error("they are not in order")
		}
		count := sqldbtest.CountStatements(f.sql)
		for _, limit := range []int32{1, 7, 35, 36, 100} {
			var got []*notice.Notice
			for cursor, pages := "", 0; ; pages++ {
				before := count()
				p := f.page(t, author, limit, cursor)
				if n := count() - before; n > 3 {
					t.Errorf("%d statements for a page", n)
				}
				got = append(got, p.Notices...)
				if cursor = p.NextCursor; cursor == "" || pages > 40 {
					break
				}
			}
			if diff := cmp.Diff(whole, got); diff != "" {
				t.Errorf("pages of %d: %s", limit, diff)
			}
		}
		for _, bad := range []string{"x", "1", "1-2", "1-2-3-4", "0-1-1", "5-0-1", "5-8-1", "5-1--1", "99999999999999999999-1-1"} {
			_, err := f.rpc.ListNotices(t.Context(), &notice.ListNoticesRequest{UserId: 1, Page: &common.Page{Cursor: bad}})
			if !errors.Is(errno.From(err), errno.InvalidArgument) {
				t.Errorf("cursor %q: %v", bad, err)
			}
		}
	})
}

// Who does the same thing often is one of the actors, and those who did it before are seen too.
func TestActors(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for i := range int64(8) {
			f.happens(t, of(comment(1000+i, []int64{10, 10, 11, 12, 13, 11, 13, 10}[i], 0, 0)))
		}
		got := f.list(t, author)[0]
		if want := []int64{10, 13, 11}; !slices.Equal(got.ActorIds, want) || got.Count != 8 || got.CommentId != 1007 {
			t.Errorf("got %+v, want %v", got, want)
		}
	})
}

// The mark moves forward only, what comes after it is unread, and the user's next call sees it, through any process.
func TestMarkRead(t *testing.T) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		a := on(t, sql, options{})
		b := on(t, sql, options{cache: a.cache})
		a.happens(t, a.like(100, author, true, other))
		first := a.at
		a.happens(t, a.like(101, author, true, other))
		for _, f := range []*fixture{a, b} {
			same(t, "unread", 2, f.unreadOf(t, author))
		}
		a.hints.take()
		a.markRead(t, author, first)
		if diff := cmp.Diff(asJSON(t, notice.Hint{UserId: author, Kind: "notice"}), a.hints.take()); diff != "" {
			t.Error(diff)
		}
		for _, f := range []*fixture{a, b} {
			same(t, "unread after the first is read", 1, f.unreadOf(t, author))
			got := f.list(t, author)
			if len(got) != 2 || !got[0].Unread || got[1].Unread {
				t.Errorf("got %+v", got)
			}
		}
		b.markRead(t, author, time.Now().Add(time.Hour).UnixMilli()) // means now
		same(t, "all read", 0, a.unreadOf(t, author))
		a.markRead(t, author, 1)
		same(t, "the mark does not go back", 0, b.unreadOf(t, author))
		if sent := a.hints.take(); len(sent) != 0 {
			t.Errorf("nothing was unread, and there are hints: %v", sent)
		}
		a.at = time.Now().Add(time.Minute).UnixMilli()
		a.happens(t, a.like(100, author, true, 5))
		same(t, "a read notice is unread again", 1, b.unreadOf(t, author))
		a.happens(t, a.like(100, author, false, 5))
		same(t, "until it is taken back", 0, b.unreadOf(t, author))
	})
}

func TestUnreadIsBounded(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var all []*event.Event
		for i := range int64(130) {
			all = append(all, f.like(1000+i, author, true, other))
		}
		f.happens(t, all...)
		same(t, "unread", 100, f.unreadOf(t, author))
		same(t, "a page", 100, len(f.list(t, author)))
	})
}

// Muted kinds are not listed, not counted and not told; who takes one back in sees what came meanwhile.
func TestPreferences(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.happens(t, f.like(100, author, true, other))
		f.happens(t, f.follow(other, author, true))
		same(t, "unread", 2, f.unreadOf(t, author))
		f.mute(t, author, notice.Kind_LIKE, notice.Kind_UPLOAD, notice.Kind_LIKE)
		p, err := f.rpc.GetPreferences(t.Context(), &notice.GetPreferencesRequest{UserId: author})
		if err != nil || !slices.Equal(p.Muted, []notice.Kind{notice.Kind_LIKE, notice.Kind_UPLOAD}) {
			t.Errorf("%v, %v", p, err)
		}
		same(t, "unread", 1, f.unreadOf(t, author))
		if got := f.list(t, author); len(got) != 1 || got[0].Kind != notice.Kind_FOLLOW {
			t.Errorf("got %+v", got)
		}
		f.hints.take()
		f.happens(t, f.like(101, author, true, other))
		if sent := f.hints.take(); len(sent) != 0 {
			t.Errorf("told of a muted kind: %v", sent)
		}
		f.markRead(t, author, f.at) // a mark keeps what is muted
		f.mute(t, author)
		same(t, "notices", 3, len(f.list(t, author)))
		same(t, "unread", 0, f.unreadOf(t, author))
		for _, bad := range []notice.Kind{0, db.Kinds + 1, -1, 63} {
			_, err := f.rpc.SetPreferences(t.Context(), &notice.SetPreferencesRequest{UserId: author, Muted: []notice.Kind{bad}})
			if !errors.Is(errno.From(err), errno.InvalidArgument) {
				t.Errorf("kind %d: %v", bad, err)
			}
		}
	})
}

// Each user hears of each thing once a batch; of a broker that fails nobody suffers.
func TestHints(t *testing.T) {
	f := onSQLite(t, options{})
	two, three, v, state := int64(2), int64(3), int64(300), int32(video.UploadState_PROCESSING)
	send := func(from, to int64) *event.Event {
		return &event.Event{MessageSent: &event.MessageSent{FromUserId: from, ToUserId: to}}
	}
	batch := []outbox.Message{
		f.message(t, f.like(100, author, true, 2, 3), f.like(101, author, true, 2), f.follow(2, 3, true)),
		f.message(t, send(2, 3), send(2, 3)),
		f.message(t, &event.Event{ConversationRead: &event.ConversationRead{UserId: 3, PeerId: 2}}),
		f.message(t,
			&event.Event{UploadStateChanged: &event.UploadStateChanged{VideoId: v, AuthorId: author, State: int32(video.UploadState_UPLOADED)}},
			&event.Event{UploadStateChanged: &event.UploadStateChanged{VideoId: v, AuthorId: author, State: state}}),
		f.message(t, &event.Event{}), // of a later version
	}
	f.apply(t, batch...)
	want := asJSON(t,
		notice.Hint{UserId: author, Kind: "notice"}, notice.Hint{UserId: 3, Kind: "notice"},
		notice.Hint{UserId: 3, Kind: "message", PeerId: &two}, notice.Hint{UserId: 2, Kind: "message", PeerId: &three},
		notice.Hint{UserId: 3, Kind: "read", PeerId: &two},
		notice.Hint{UserId: author, Kind: "upload", VideoId: &v, State: &state},
	)
	if diff := cmp.Diff(want, f.hints.take()); diff != "" {
		t.Error(diff)
	}
	f.apply(t, batch[0]) // again: nothing is new
	if sent := f.hints.take(); len(sent) != 0 {
		t.Errorf("told again: %v", sent)
	}
	f.hints.err = errAway
	f.happens(t, f.like(102, author, true, 2))
	same(t, "notices", 3, len(f.list(t, author)))
}

// Without the cache everything is there, too.
func TestCacheAway(t *testing.T) {
	f := onSQLite(t, options{cache: brokenCache{}})
	f.happens(t, f.like(100, author, true, other))
	same(t, "unread", 1, f.unreadOf(t, author))
	f.markRead(t, author, f.at)
	same(t, "unread", 0, f.unreadOf(t, author))
	f.happens(t, f.like(101, author, true, other))
	same(t, "unread", 1, f.unreadOf(t, author))
}

// What can never be applied says so; a store that is away does not.
func TestPoison(t *testing.T) {
	f := onSQLite(t, options{})
	late := f.message(t, f.like(100, author, true, other))
	late.AtMs = time.Now().Add(-maxLate - time.Minute).UnixMilli()
	bad := f.message(t, f.like(100, author, true, other))
	bad.Body = []byte(`{"not": "a list"}`)
	for name, m := range map[string]outbox.Message{"late": late, "no JSON": {Seq: 1, AtMs: f.at, Body: []byte("[")}, "no list": bad} {
		if err := f.Service.apply(t.Context(), []outbox.Message{m}); !errors.Is(err, outbox.ErrPoison) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := f.message(t, f.like(100, author, true, other))
	if err := f.sql.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Service.apply(t.Context(), []outbox.Message{good}); err == nil || errors.Is(err, outbox.ErrPoison) {
		t.Errorf("without a store: %v", err)
	}
}

func TestBadArguments(t *testing.T) {
	f := onSQLite(t, options{})
	for name, call := range map[string]func() error{
		"list": func() error {
			_, err := f.rpc.ListNotices(t.Context(), &notice.ListNoticesRequest{})
			return err
		},
		"page": func() error {
			_, err := f.rpc.ListNotices(t.Context(), &notice.ListNoticesRequest{UserId: 1, Page: &common.Page{Limit: 101}})
			return err
		},
		"count": func() error {
			_, err := f.rpc.CountUnread(t.Context(), &notice.CountUnreadRequest{})
			return err
		},
		"mark": func() error {
			_, err := f.rpc.MarkRead(t.Context(), &notice.MarkReadRequest{UserId: 1, UntilMs: -1})
			return err
		},
		"get": func() error {
			_, err := f.rpc.GetPreferences(t.Context(), &notice.GetPreferencesRequest{})
			return err
		},
		"set": func() error {
			_, err := f.rpc.SetPreferences(t.Context(), &notice.SetPreferencesRequest{})
			return err
		},
	} {
		if err := call(); !errors.Is(errno.From(err), errno.InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A purge removes what was taken back long ago, and nothing that anybody sees.
func TestPurge(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		now := time.UnixMilli(f.at)
		f.now = func() time.Time { return now }
		old := f.at
		w := newWorld(t, uint64(time.Now().UnixNano()))
		w.at = time.UnixMilli(old)
		for range 1500 {
			w.step()
		}
		f.apply(t, w.sent...)
		w.check(t, f.store)
		if n, err := f.purgeOnce(t.Context(), time.UnixMilli(old), 0); n != 0 || err != nil {
			t.Errorf("%d young rows are removed, %v", n, err)
		}
		n, err := f.purgeOnce(t.Context(), w.at.Add(time.Second), 0)
		if n == 0 || err != nil {
			t.Errorf("%d rows removed, %v", n, err)
		}
		w.check(t, f.store)
		var tombs int64
		const left = "SELECT (SELECT COUNT(*) FROM notice_entries WHERE present = ?) + (SELECT COUNT(*) FROM notices WHERE entries = 0)"
		if err := f.sql.Read.Raw(left, false).Scan(&tombs).Error; err != nil || tombs != 0 {
			t.Errorf("%d tombstones are left, %v", tombs, err)
		}
		if n, err := f.purgeOnce(t.Context(), w.at.Add(time.Second), 0); n != 0 || err != nil {
			t.Errorf("a second purge removes %d, %v", n, err)
		}
	})
}
