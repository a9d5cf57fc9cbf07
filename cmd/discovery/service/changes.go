package service

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/tags"
	"tiktok/cmd/internal/events"
	"tiktok/kitex_gen/event"
	"tiktok/pkg/outbox"
	"tiktok/pkg/text"
)

// maxLate is how late a message may be applied. What ended is forgotten after purgeAge, so an older message that made it might make it
// again; `tiktok audit --repair` then knows what is true.
const maxLate = 28 * 24 * time.Hour

const (
	// maxTitle and maxName are what the columns hold, in characters.
	maxTitle = 100
	maxName  = 32
)

// batch is what messages make of the catalogue: of each entry the newest.
type batch struct {
	seq     int64 // of the message
	users   map[int64]db.User
	videos  map[int64]db.Video
	follows map[[2]int64]db.Follow
	likes   map[[2]int64]db.Like
	// profiles are users whose names have to be read, with the newest message that says so.
	profiles map[int64]int64
	// ignored is how many events are of a later version.
	ignored int
}

// batchOf says what messages make of the catalogue. Its error is outbox.ErrPoison.
func batchOf(messages []outbox.Message, now time.Time) (*batch, error) {
	b := &batch{
		users: map[int64]db.User{}, videos: map[int64]db.Video{}, follows: map[[2]int64]db.Follow{}, likes: map[[2]int64]db.Like{},
		profiles: map[int64]int64{},
	}
	for _, m := range messages {
		if late := now.Sub(time.UnixMilli(m.AtMs)); late > maxLate {
			return nil, fmt.Errorf("%w: message %d of %s comes %v late", outbox.ErrPoison, m.Seq, m.Topic, late)
		}
		all, err := events.Decode(m)
		if err != nil {
			return nil, err
		}
		b.seq = m.Seq
		for _, e := range all {
			b.event(e)
		}
	}
	return b, nil
}

func (b *batch) event(e *event.Event) {
	switch {
	case e.VideoLikes != nil:
		v := e.VideoLikes
		for _, l := range v.Likes {
			b.like(db.Like{
				UserID: l.UserId, VideoID: v.VideoId, AuthorID: v.AuthorId, Liked: l.Liked, AtMs: cmp.Or(l.AtMs, e.AtMs), Seq: b.seq,
			})
		}
	case e.FollowChanged != nil:
		f := e.FollowChanged
		b.follow(db.Follow{UserID: f.UserId, ToUserID: f.ToUserId, Following: f.Following, AtMs: cmp.Or(f.AtMs, e.AtMs), Seq: b.seq})
	case e.VideoListed != nil:
		v := e.VideoListed
		if b.videos[v.VideoId].GoneMs == 0 {
			b.videos[v.VideoId] = listed(v.VideoId, v.AuthorId, v.Title, v.PublishedAtMs)
		}
	case e.VideoDeleted != nil:
		v := e.VideoDeleted
		b.videos[v.VideoId] = db.Video{ID: v.VideoId, AuthorID: v.AuthorId, GoneMs: max(1, e.AtMs)}
	case e.UserRegistered != nil:
		u := e.UserRegistered
		if b.users[u.UserId].Seq <= b.seq {
			b.users[u.UserId] = named(u.UserId, u.Name, u.Name, b.seq)
		}
	case e.ProfileChanged != nil:
		id := e.ProfileChanged.UserId
		b.profiles[id] = max(b.profiles[id], b.seq)
	case e.CommentLikes != nil, e.CommentChanged != nil, e.VideoChanged != nil, e.UploadStateChanged != nil, e.MessageSent != nil,
		e.ConversationRead != nil:
	default:
		b.ignored++
	}
}

func (b *batch) like(l db.Like) {
	key := [2]int64{l.UserID, l.VideoID}
	if old, known := b.likes[key]; !known || old.Seq <= l.Seq {
		b.likes[key] = l
	}
}

func (b *batch) follow(f db.Follow) {
	key := [2]int64{f.UserID, f.ToUserID}
	if old, known := b.follows[key]; !known || old.Seq <= f.Seq {
		b.follows[key] = f
	}
}

// listed is the row of a listed video.
func listed(id, authorID int64, title string, publishedMs int64) db.Video {
	title = text.First(title, maxTitle)
	return db.Video{ID: id, AuthorID: authorID, Title: title, Tags: strings.Join(tags.Of(title), " "), PublishedMs: publishedMs}
}

// named is the row of a user.
func named(id int64, name, shown string, seq int64) db.User {
	return db.User{ID: id, Name: text.First(name, maxName), ShownName: text.First(shown, maxName), Seq: seq}
}

// parts are the changes, in as few parts as one transaction takes of them.
func (b *batch) parts() (all []db.Changes) {
	part, profiles := db.Changes{}, 0
	next := func(full bool) {
		if full || part.Len() == db.MaxChanges {
			all, part, profiles = append(all, part), db.Changes{}, 0
		}
	}
	for _, id := range slices.Sorted(maps.Keys(b.users)) {
		part.Users = append(part.Users, b.users[id])
		if b.profiles[id] != 0 {
			profiles++
		}
		next(profiles == db.MaxProfiles)
	}
	for _, v := range b.videos {
		part.Videos = append(part.Videos, v)
		next(false)
	}
	for _, f := range b.follows {
		part.Follows = append(part.Follows, f)
		next(false)
	}
	likes := slices.SortedFunc(maps.Values(b.likes), func(x, y db.Like) int { // so that those of a video are in few transactions
		return cmp.Or(cmp.Compare(x.VideoID, y.VideoID), cmp.Compare(x.UserID, y.UserID))
	})
	for _, l := range likes {
		part.Likes = append(part.Likes, l)
		next(false)
	}
	next(part.Len() > 0)
	return all
}
