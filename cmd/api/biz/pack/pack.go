package pack

import (
	"strconv"
	"time"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
)

// How many default pictures there are; a user's id picks one.
const (
	Avatars     = 16
	Backgrounds = 8
)

const (
	// noSignature and goneName fill what the client would otherwise show as a hole.
	noSignature = "This user has not written anything yet."
	goneName    = "deleted user"

	received, sent = 0, 1
)

// UserParts are what the services know about one user. Any may be nil.
type UserParts struct {
	Card     *user.User
	Relation *social.Relation
	Stats    *interaction.UserStats
	Works    int64
	IsFollow bool
}

// User puts a user together. One without a card is shown as deleted.
func User(base string, id int64, p UserParts) *api.User {
	u := &api.User{
		ID: id, Name: goneName, Signature: noSignature, WorkCount: p.Works, IsFollow: p.IsFollow,
		Avatar:          base + "/static/avatars/" + strconv.FormatUint(pick(id, Avatars), 10) + ".png",
		BackgroundImage: base + "/static/backgrounds/" + strconv.FormatUint(pick(id, Backgrounds), 10) + ".jpg",
	}
	if c := p.Card; c != nil {
		u.Name = c.Name
		if c.Signature != "" {
			u.Signature = c.Signature
		}
		if c.AvatarKey != "" {
			u.Avatar = MediaURL(base, c.AvatarKey)
		}
		if c.BackgroundKey != "" {
			u.BackgroundImage = MediaURL(base, c.BackgroundKey)
		}
	}
	if r := p.Relation; r != nil {
		u.FollowCount, u.FollowerCount = r.FollowCount, r.FollowerCount
	}
	if s := p.Stats; s != nil {
		u.TotalFavorited, u.FavoriteCount = s.TotalFavorited, s.FavoriteCount
	}
	return u
}

// pick spreads ids over the numbers below of, a power of two. The last bits of an id count within a millisecond and are
// mostly 0, so they are no choice.
func pick(id int64, of uint64) uint64 {
	const golden = 0x9E3779B97F4A7C15 // 2^64 by the golden ratio
	return (uint64(id) * golden >> 32) % of
}

// MediaURL is where the gateway serves a blob.
func MediaURL(base, key string) string { return base + "/media/" + key }

// optionalURL is empty where there is nothing yet.
func optionalURL(base, key string) string {
	if key == "" {
		return ""
	}
	return MediaURL(base, key)
}

// Video puts a video together; stats may be nil.
func Video(base string, v *video.Video, author *api.User, s *interaction.VideoStats, isFavorite bool) *api.Video {
	out := &api.Video{
		ID: v.Id, Author: author, Title: v.Title, IsFavorite: isFavorite,
		PlayURL: MediaURL(base, v.PlayKey), CoverURL: MediaURL(base, v.CoverKey),
		HlsURL: optionalURL(base, v.HlsKey), PreviewURL: optionalURL(base, v.PreviewKey),
	}
	if s != nil {
		out.FavoriteCount, out.CommentCount = s.FavoriteCount, s.CommentCount
	}
	return out
}

// What a client reads of the work on an upload.
const (
	stateReady, stateProcessing, stateFailed = "ready", "processing", "failed"
	allDone                                  = 100
)

func uploadState(s video.UploadState) string {
	switch s {
	case video.UploadState_READY:
		return stateReady
	case video.UploadState_FAILED:
		return stateFailed
	}
	return stateProcessing
}

// SetState tells the author of a video how far the work on it is; without an upload it is done.
func SetState(v *api.Video, u *video.Upload) {
	state, progress, reason := stateReady, int32(allDone), ""
	if u != nil {
		state, progress, reason = uploadState(u.State), u.Progress, u.Reason
	}
	v.State, v.Progress, v.Reason = &state, &progress, &reason
}

// ProcessingVideo is an upload that is in no list yet.
func ProcessingVideo(u *video.Upload) *api.ProcessingVideo {
	return &api.ProcessingVideo{
		ID: u.VideoId, Title: u.Title, State: uploadState(u.State), Progress: u.Progress, Reason: u.Reason, UploadedAt: u.UploadedAtMs,
	}
}

// Comment puts a comment together; its date is one of the given zone.
func Comment(c *interaction.Comment, author *api.User, zone *time.Location) *api.Comment {
	return &api.Comment{
		ID: c.Id, User: author, Content: c.Content,
		CreateDate: time.UnixMilli(c.CreatedAtMs).In(zone).Format("01-02"),
	}
}

// Friend puts a friend together; last is the latest message between the two, nil for none.
func Friend(u *api.User, viewer int64, last *chat.Message) *api.FriendUser {
	f := &api.FriendUser{
		ID: u.ID, Name: u.Name, FollowCount: u.FollowCount, FollowerCount: u.FollowerCount, IsFollow: u.IsFollow,
		Avatar: u.Avatar, BackgroundImage: u.BackgroundImage, Signature: u.Signature,
		TotalFavorited: u.TotalFavorited, WorkCount: u.WorkCount, FavoriteCount: u.FavoriteCount,
		MsgType: sent,
	}
	if last != nil {
		f.Message = last.Content
		if last.FromUserId != viewer {
			f.MsgType = received
		}
	}
	return f
}

// Messages keeps the order.
func Messages(ms []*chat.Message) []*api.Message {
	out := make([]*api.Message, 0, len(ms))
	for _, m := range ms {
		out = append(out, &api.Message{
			ID: m.Id, FromUserID: m.FromUserId, ToUserID: m.ToUserId, Content: m.Content,
			CreateTime: strconv.FormatInt(m.CreatedAtMs, 10),
		})
	}
	return out
}
