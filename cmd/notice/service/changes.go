package service

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"tiktok/cmd/internal/events"
	"tiktok/cmd/notice/dal/db"
	"tiktok/cmd/notice/webpush"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/notice"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/outbox"
	"tiktok/pkg/text"
)

// maxLate is how late a message may be applied. What was taken back is forgotten after purgeAge, so an older message that made it might
// make it again; `tiktok audit --repair` then knows what is true.
const maxLate = 28 * 24 * time.Hour

// work is what a batch of messages makes.
type work struct {
	// changes are sorted by entry, of each the newest.
	changes []db.Change
	// hints are what users hear of beside notices, each once.
	hints []notice.Hint
	// messages are for the browsers of who gets them, read are who has read some.
	messages []webpush.Event
	read     []int64
	// ignored is how many events are of a later version.
	ignored int
}

// changesOf says what messages make of notices. Nobody is told of their own doings. Its error is outbox.ErrPoison.
func changesOf(messages []outbox.Message, now time.Time) (work, error) {
	b := batch{changes: map[db.EntryKey]db.Change{}, hints: map[hintKey]int{}}
	for _, m := range messages {
		if late := now.Sub(time.UnixMilli(m.AtMs)); late > maxLate {
			return work{}, fmt.Errorf("%w: message %d of %s comes %v late", outbox.ErrPoison, m.Seq, m.Topic, late)
		}
		all, err := events.Decode(m)
		if err != nil {
			return work{}, err
		}
		b.seq = m.Seq
		for _, e := range all {
			b.event(e)
		}
	}
	w := work{hints: b.told, messages: b.messages, read: b.read, ignored: b.ignored, changes: make([]db.Change, 0, len(b.changes)+len(b.gone))}
	for _, c := range b.changes {
		w.changes = append(w.changes, c)
	}
	w.changes = append(w.changes, b.gone...)
	slices.SortFunc(w.changes, func(x, y db.Change) int {
		return cmp.Or(cmp.Compare(x.UserID, y.UserID), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.SubjectID, y.SubjectID))
	})
	return w, nil
}

// batch collects what messages make.
type batch struct {
	seq      int64 // of the message
	changes  map[db.EntryKey]db.Change
	gone     []db.Change
	hints    map[hintKey]int // places in told
	told     []notice.Hint
	messages []webpush.Event
	read     []int64
	ignored  int
}

// hintKey is what makes two hints the same.
type hintKey struct {
	user  int64
	kind  string
	about int64
}

func (b *batch) event(e *event.Event) {
	switch {
	case e.VideoLikes != nil:
		v := e.VideoLikes
		b.likes(e.AtMs, db.Key{UserID: v.AuthorId, Kind: db.KindLike, SubjectID: v.VideoId}, v.VideoId, v.Likes)
	case e.CommentLikes != nil:
		c := e.CommentLikes
		b.likes(e.AtMs, db.Key{UserID: c.AuthorId, Kind: db.KindCommentLike, SubjectID: c.CommentId}, c.VideoId, c.Likes)
	case e.CommentChanged != nil:
		b.comment(e.AtMs, e.CommentChanged)
	case e.FollowChanged != nil:
		f := e.FollowChanged
		key := db.Key{UserID: f.ToUserId, Kind: db.KindFollow}
		b.add(change(key, f.UserId, f.UserId, 0, f.Following, f.AtMs, e.AtMs))
	case e.VideoListed != nil:
		v := e.VideoListed
		for _, u := range v.MentionedUserIds {
			b.add(titleMention(u, v.VideoId, v.AuthorId, true, v.PublishedAtMs, e.AtMs))
		}
	case e.VideoDeleted != nil:
		v := e.VideoDeleted
		for _, u := range v.MentionedUserIds {
			b.add(titleMention(u, v.VideoId, v.AuthorId, false, 0, e.AtMs))
		}
		b.add(db.Change{Entry: uploadEntry(v.AuthorId, v.VideoId, false, e.AtMs), VideoID: v.VideoId})
	case e.UploadStateChanged != nil:
		b.upload(e.AtMs, e.UploadStateChanged)
	case e.MessageSent != nil:
		m := e.MessageSent
		b.messages = append(b.messages, webpush.Event{UserID: m.ToUserId, Kind: webpush.Message, ActorID: m.FromUserId})
		b.hint(m.ToUserId, "message", m.FromUserId, notice.Hint{PeerId: &m.FromUserId})
		b.hint(m.FromUserId, "message", m.ToUserId, notice.Hint{PeerId: &m.ToUserId}) // their other devices
	case e.ConversationRead != nil:
		r := e.ConversationRead
		b.read = append(b.read, r.UserId)
		b.hint(r.UserId, "read", r.PeerId, notice.Hint{PeerId: &r.PeerId})
	case e.UserRegistered != nil, e.ProfileChanged != nil, e.VideoChanged != nil:
	default:
		b.ignored++
	}
}

// change is one of an entry, taken back at backMs.
func change(key db.Key, entry, actor, videoID int64, present bool, atMs, backMs int64) db.Change {
	if !present {
		atMs = backMs
	}
	return db.Change{Entry: db.Entry{Key: key, EntryID: entry, ActorID: actor, AtMs: atMs, Present: present}, VideoID: videoID}
}

// add makes a change that of its entry, unless a newer one is there, or it is somebody's own doing.
func (b *batch) add(c db.Change) {
	if c.UserID <= 0 || c.ActorID == c.UserID {
		return
	}
	c.Seq = b.seq
	if old, known := b.changes[c.EntryKey()]; known && old.Seq > c.Seq {
		return
	}
	b.changes[c.EntryKey()] = c
}

func (b *batch) likes(atMs int64, key db.Key, videoID int64, likes []*event.Like) {
	for _, l := range likes {
		if l != nil {
			b.add(change(key, l.UserId, l.UserId, videoID, l.Liked, l.AtMs, atMs))
		}
	}
}

func (b *batch) comment(atMs int64, c *event.CommentChanged) {
	for _, key := range recipients(c) {
		b.add(change(key, c.CommentId, c.UserId, c.VideoId, !c.Deleted, c.CreatedAtMs, atMs))
	}
	if c.Deleted && c.UserId > 0 { // its likes are not taken back one by one
		key := db.Key{UserID: c.UserId, Kind: db.KindCommentLike, SubjectID: c.CommentId}
		b.gone = append(b.gone, db.Change{Entry: db.Entry{Key: key, AtMs: atMs}, Gone: true, VideoID: c.VideoId})
	}
}

// recipients are the notices that a comment has an entry in: of each user one at most.
func recipients(c *event.CommentChanged) []db.Key {
	var keys []db.Key
	told := map[int64]bool{c.UserId: true}
	add := func(userID int64, kind int, subjectID int64) {
		if userID > 0 && !told[userID] {
			told[userID] = true
			keys = append(keys, db.Key{UserID: userID, Kind: kind, SubjectID: subjectID})
		}
	}
	if c.ReplyToId != 0 {
		add(c.ReplyToUserId, db.KindReply, c.ReplyToId)
	}
	add(c.VideoAuthorId, db.KindComment, c.VideoId)
	for _, u := range c.MentionedUserIds {
		add(u, db.KindMention, c.VideoId)
	}
	return keys
}

// titleMention is the entry 0 of a video's mentions.
func titleMention(userID, videoID, authorID int64, present bool, atMs, backMs int64) db.Change {
	return change(db.Key{UserID: userID, Kind: db.KindMention, SubjectID: videoID}, 0, authorID, videoID, present, atMs, backMs)
}

// uploadEntry is the only entry of an upload's notice, which nobody did.
func uploadEntry(authorID, videoID int64, present bool, atMs int64) db.Entry {
	return db.Entry{Key: db.Key{UserID: authorID, Kind: db.KindUpload, SubjectID: videoID}, Present: present, AtMs: atMs}
}

// upload tells the author how the work ended. While it goes on, what was told before stays.
func (b *batch) upload(atMs int64, u *event.UploadStateChanged) {
	b.hint(u.AuthorId, "upload", u.VideoId, notice.Hint{VideoId: &u.VideoId, State: &u.State})
	failed := u.State == int32(video.UploadState_FAILED)
	if !failed && u.State != int32(video.UploadState_READY) {
		return
	}
	c := db.Change{Entry: uploadEntry(u.AuthorId, u.VideoId, failed || u.Transcoded, atMs), VideoID: u.VideoId}
	if c.Failed = failed; c.Present {
		c.Reason, c.Title = text.First(u.Reason, maxReason), text.First(u.Title, maxTitle)
	}
	b.add(c)
}

const (
	// maxReason and maxTitle are what the columns hold, in characters.
	maxReason = 500
	maxTitle  = 100
)

// hint tells a user something; the latest of two about the same counts.
func (b *batch) hint(userID int64, kind string, about int64, h notice.Hint) {
	if userID <= 0 {
		return
	}
	h.UserId, h.Kind = userID, kind
	key := hintKey{userID, kind, about}
	if i, known := b.hints[key]; known {
		b.told[i] = h
		return
	}
	b.hints[key] = len(b.told)
	b.told = append(b.told, h)
}
