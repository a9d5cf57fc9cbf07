package v1

import (
	"cmp"
	"strconv"
	"time"

	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
)

// renderUser renders a profile; base starts its URLs.
func renderUser(base string, p *view.Profile) *model.User {
	account := p.User
	if account == nil {
		return &model.User{ID: p.ID, IsDeleted: true}
	}
	u := &model.User{
		ID: p.ID, Name: account.Name, DisplayName: cmp.Or(account.DisplayName, account.Name), Signature: account.Signature,
		VideoCount: p.VideoCount,
		IsFollowed: p.IsFollow, CreatedAt: timestamp(account.CreatedAtMs),
		AvatarURL: pack.AvatarURL(base, p.ID, account.AvatarKey), BackgroundURL: pack.BackgroundURL(base, p.ID, account.BackgroundKey),
	}
	if r := p.Relation; r != nil {
		u.FollowingCount, u.FollowerCount = r.FollowCount, r.FollowerCount
	}
	if s := p.Stats; s != nil {
		u.LikesReceivedCount, u.LikeCount = s.TotalFavorited, s.FavoriteCount
	}
	return u
}

// renderUsers keeps the order.
func renderUsers(base string, profiles []view.Profile) []*model.User {
	return pack.Each(profiles, func(p *view.Profile) *model.User { return renderUser(base, p) })
}

// renderVideo renders a video; base starts its URLs.
func renderVideo(base string, v *view.Video) *model.Video {
	out := &model.Video{
		ID: v.Id, Author: renderUser(base, &v.Author), Title: v.Title,
		PlayURL: pack.MediaURL(base, v.PlayKey), HlsURL: pack.OptionalURL(base, v.HlsKey),
		CoverURL: pack.MediaURL(base, v.CoverKey), PreviewURL: pack.OptionalURL(base, v.PreviewKey),
		DurationMs: v.DurationMs, Width: v.WidthPx, Height: v.HeightPx, IsLiked: v.IsFavorite,
		PublishedAt: timestamp(v.PublishedAtMs), PageURL: base + "/v/" + strconv.FormatInt(v.Id, 10),
	}
	if s := v.Stats; s != nil {
		out.LikeCount, out.CommentCount = s.FavoriteCount, s.CommentCount
	}
	return out
}

// renderVideos keeps the order.
func renderVideos(base string, videos []view.Video) []*model.Video {
	return pack.Each(videos, func(v *view.Video) *model.Video { return renderVideo(base, v) })
}

// renderComment renders a comment; base starts its URLs.
func renderComment(base string, c *view.Comment) *model.Comment {
	return &model.Comment{
		ID: c.Id, VideoID: c.VideoId, Author: renderUser(base, &c.Author), Content: c.Content, CreatedAt: timestamp(c.CreatedAtMs),
	}
}

func renderMessage(m *chat.Message) *model.Message {
	return &model.Message{
		ID: m.Id, FromUserID: m.FromUserId, ToUserID: m.ToUserId, Content: m.Content, CreatedAt: timestamp(m.CreatedAtMs),
	}
}

// renderMessages keeps the order.
func renderMessages(messages []*chat.Message) []*model.Message {
	return pack.Each(messages, func(m **chat.Message) *model.Message { return renderMessage(*m) })
}

func renderUpload(u *video.Upload) *model.Upload {
	return &model.Upload{
		VideoID: u.VideoId, Title: u.Title, State: uploadState(u.State), Progress: u.Progress, Reason: u.Reason,
		IsListed: u.Listed, UploadedAt: timestamp(u.UploadedAtMs),
	}
}

func uploadState(s video.UploadState) string {
	switch s {
	case video.UploadState_UPLOADED:
		return "uploaded"
	case video.UploadState_READY:
		return "ready"
	case video.UploadState_FAILED:
		return "failed"
	case video.UploadState_PROCESSING:
	}
	return "processing"
}

// renderSession renders a session for the one with the id current.
func renderSession(s *user.Session, current int64) *model.Session {
	out := &model.Session{ID: s.Id, CreatedAt: timestamp(s.CreatedAtMs), SeenAt: timestamp(s.SeenAtMs), IsCurrent: s.Id == current}
	if d := s.Device; d != nil {
		out.Agent, out.Address = d.Agent, d.Addr
	}
	return out
}

// timestamp is a time in milliseconds since 1970 as RFC 3339 has it, in UTC.
func timestamp(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
