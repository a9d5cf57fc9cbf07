package pack

import (
	"cmp"
	"strconv"
	"time"

	"tiktok/cmd/api/biz/model/api"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/video"
)

// How many default pictures there are; a user's id picks one.
const (
	Avatars     = 16
	Backgrounds = 8
)

const (
	// noSignature and deletedName stand where the client would show nothing.
	noSignature = "This user has not written anything yet."
	deletedName = "deleted user"

	received, sent = 0, 1
)

// User renders a profile; base starts its URLs. A user without an account is shown as deleted.
func User(base string, p view.Profile) *api.User {
	var avatar, background string
	if p.User != nil {
		avatar, background = p.User.AvatarKey, p.User.BackgroundKey
	}
	u := &api.User{
		ID: p.ID, Name: deletedName, Signature: noSignature, WorkCount: p.VideoCount, IsFollow: p.IsFollow,
		Avatar: AvatarURL(base, p.ID, avatar), BackgroundImage: BackgroundURL(base, p.ID, background),
	}
	if account := p.User; account != nil {
		u.Name = cmp.Or(account.DisplayName, account.Name)
		if account.Signature != "" {
			u.Signature = account.Signature
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

// AvatarURL is where a user's picture is: that of key, or without one a default.
func AvatarURL(base string, user int64, key string) string {
	if key == "" {
		return base + "/static/avatars/" + strconv.FormatUint(pick(user, Avatars), 10) + ".png"
	}
	return MediaURL(base, key)
}

// BackgroundURL is where the background of a user's profile is: that of key, or without one a default.
func BackgroundURL(base string, user int64, key string) string {
	if key == "" {
		return base + "/static/backgrounds/" + strconv.FormatUint(pick(user, Backgrounds), 10) + ".jpg"
	}
	return MediaURL(base, key)
}

// Users keeps the order.
func Users(base string, profiles []view.Profile) []*api.User {
	return Each(profiles, func(p *view.Profile) *api.User { return User(base, *p) })
}

// Each renders all of a list; an empty one is not nil, because clients cannot read null.
func Each[In, Out any](in []In, render func(*In) Out) []Out {
	out := make([]Out, len(in))
	for i := range in {
		out[i] = render(&in[i])
	}
	return out
}

// pick hashes an id to a number below of, a power of two. The last bits of an id count within a millisecond and are mostly 0.
func pick(id int64, of uint64) uint64 {
	const golden = 0x9E3779B97F4A7C15 // 2^64 by the golden ratio
	return (uint64(id) * golden >> 32) % of
}

// MediaPath is where the gateway serves blobs; the key of one follows.
const MediaPath = "/media/"

// MediaURL is where the gateway serves a blob.
func MediaURL(base, key string) string { return base + MediaPath + key }

// OptionalURL is empty without a blob.
func OptionalURL(base, key string) string {
	if key == "" {
		return ""
	}
	return MediaURL(base, key)
}

// Videos keeps the order; base starts the URLs.
func Videos(base string, videos []view.Video) []*api.Video {
	return Each(videos, func(v *view.Video) *api.Video { return renderVideo(base, v) })
}

func renderVideo(base string, v *view.Video) *api.Video {
	out := &api.Video{
		ID: v.Id, Author: User(base, v.Author), Title: v.Title, IsFavorite: v.IsFavorite,
		PlayURL: MediaURL(base, v.PlayKey), CoverURL: MediaURL(base, v.CoverKey),
		HlsURL: OptionalURL(base, v.HlsKey), PreviewURL: OptionalURL(base, v.PreviewKey),
	}
	if s := v.Stats; s != nil {
		out.FavoriteCount, out.CommentCount = s.FavoriteCount, s.CommentCount
	}
	return out
}

// The states of the work on an upload.
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

// Published renders an author's videos, for the author with the state of the work on each and what is not listed yet.
func Published(base string, p view.Published) *api.PublishListResponse {
	r := &api.PublishListResponse{StatusMsg: OK, VideoList: Videos(base, p.Videos)}
	r.ProcessingList = Each(p.Processing, func(u **video.Upload) *api.ProcessingVideo { return processingVideo(*u) })
	if p.ShowsUploads {
		for i, v := range r.VideoList {
			setState(v, p.Videos[i].Upload)
		}
	}
	return r
}

// setState tells the author of a video how far the work on it is; without an upload it is done.
func setState(v *api.Video, u *video.Upload) {
	state, progress, reason := stateReady, int32(allDone), ""
	if u != nil {
		state, progress, reason = uploadState(u.State), u.Progress, u.Reason
	}
	v.State, v.Progress, v.Reason = &state, &progress, &reason
}

func processingVideo(u *video.Upload) *api.ProcessingVideo {
	return &api.ProcessingVideo{
		ID: u.VideoId, Title: u.Title, State: uploadState(u.State), Progress: u.Progress, Reason: u.Reason, UploadedAt: u.UploadedAtMs,
	}
}

// Comment renders a comment; base starts its URLs, its date is one of the given zone.
func Comment(base string, c view.Comment, zone *time.Location) *api.Comment {
	return &api.Comment{
		ID: c.Id, User: User(base, c.Author), Content: c.Content,
		CreateDate: time.UnixMilli(c.CreatedAtMs).In(zone).Format("01-02"),
	}
}

// Comments keeps the order.
func Comments(base string, comments []view.Comment, zone *time.Location) []*api.Comment {
	return Each(comments, func(c *view.Comment) *api.Comment { return Comment(base, *c, zone) })
}

// Friends keeps the order; base starts the URLs.
func Friends(base string, viewer int64, friends []view.Friend) []*api.FriendUser {
	return Each(friends, func(f *view.Friend) *api.FriendUser { return renderFriend(base, viewer, f) })
}

func renderFriend(base string, viewer int64, x *view.Friend) *api.FriendUser {
	u := User(base, x.Profile)
	f := &api.FriendUser{
		ID: u.ID, Name: u.Name, FollowCount: u.FollowCount, FollowerCount: u.FollowerCount, IsFollow: u.IsFollow,
		Avatar: u.Avatar, BackgroundImage: u.BackgroundImage, Signature: u.Signature,
		TotalFavorited: u.TotalFavorited, WorkCount: u.WorkCount, FavoriteCount: u.FavoriteCount,
		MsgType: sent,
	}
	if last := x.LastMessage; last != nil {
		f.Message = last.Content
		if last.FromUserId != viewer {
			f.MsgType = received
		}
	}
	return f
}

// Messages keeps the order.
func Messages(messages []*chat.Message) []*api.Message {
	return Each(messages, func(m **chat.Message) *api.Message {
		return &api.Message{
			ID: (*m).Id, FromUserID: (*m).FromUserId, ToUserID: (*m).ToUserId, Content: (*m).Content,
			CreateTime: strconv.FormatInt((*m).CreatedAtMs, 10),
		}
	})
}
