package v1

import (
	"cmp"
	"strconv"
	"strings"
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
	u, t := &model.User{}, userTexts(base, p, new(texts))
	fillUser(u, p, &t)
	return u
}

// textsOfUser are the texts that are made for a profile. They are the same for all viewers.
type textsOfUser struct{ avatar, background, created string }

// userTexts makes the texts of a profile; base starts its URLs.
func userTexts(base string, p *view.Profile, t *texts) textsOfUser {
	account := p.User
	if account == nil {
		return textsOfUser{}
	}
	return textsOfUser{
		pack.AvatarURL(base, p.ID, account.AvatarKey), pack.BackgroundURL(base, p.ID, account.BackgroundKey),
		t.timestamp(account.CreatedAtMs),
	}
}

// fillUser renders a profile into u.
func fillUser(u *model.User, p *view.Profile, t *textsOfUser) {
	u.ID = p.ID
	account := p.User
	if account == nil {
		u.IsDeleted = true
		return
	}
	u.Name, u.DisplayName, u.Signature = account.Name, cmp.Or(account.DisplayName, account.Name), account.Signature
	u.AvatarURL, u.BackgroundURL, u.CreatedAt = t.avatar, t.background, t.created
	u.VideoCount, u.IsFollowed = p.VideoCount, p.IsFollow
	if r := p.Relation; r != nil {
		u.FollowingCount, u.FollowerCount = r.FollowCount, r.FollowerCount
	}
	if s := p.Stats; s != nil {
		u.LikesReceivedCount, u.LikeCount = s.TotalFavorited, s.FavoriteCount
	}
}

// renderUsers keeps the order.
func renderUsers(base string, profiles []view.Profile) []*model.User {
	return pack.Each(profiles, func(p *view.Profile) *model.User { return renderUser(base, p) })
}

// renderVideo renders a video; base starts its URLs.
func renderVideo(base string, v *view.Video) *model.Video {
	return renderVideos(base, []view.Video{*v})[0]
}

// renderVideos keeps the order; base starts the URLs.
func renderVideos(base string, videos []view.Video) []*model.Video {
	return fillVideos(videos, videoTexts(base, videos))
}

// renderFeed renders a page of the feed. Those who share it share its texts.
func renderFeed(base string, p *view.FeedPage) []*model.Video {
	texts, _ := p.Made(base, func(videos []view.Video) any { return videoTexts(base, videos) }).([]textsOfVideo)
	return fillVideos(p.Videos, texts)
}

// textsOfVideo are the texts that are made for a video. They are the same for all viewers.
type textsOfVideo struct {
	play, hls, cover, preview, published, page string
	author                                     textsOfUser
}

func videoTexts(base string, videos []view.Video) []textsOfVideo {
	out := make([]textsOfVideo, len(videos))
	var t texts
	size := 0
	for i := range videos {
		v := &videos[i]
		size += 2*timestampLen + maxPagePath + len(v.PlayKey) + len(v.HlsKey) + len(v.CoverKey) + len(v.PreviewKey) +
			5*len(base) + 4*len(pack.MediaPath)
	}
	t.Grow(size)
	for i := range videos {
		v := &videos[i]
		out[i] = textsOfVideo{
			play: t.mediaURL(base, v.PlayKey), hls: t.optionalURL(base, v.HlsKey),
			cover: t.mediaURL(base, v.CoverKey), preview: t.optionalURL(base, v.PreviewKey),
			published: t.timestamp(v.PublishedAtMs), page: t.pageURL(base, v.Id), author: userTexts(base, &v.Author, &t),
		}
	}
	return out
}

// fillVideos renders videos with their texts, in few pieces of memory.
func fillVideos(videos []view.Video, texts []textsOfVideo) []*model.Video {
	out := make([]*model.Video, len(videos))
	parts := make([]struct {
		video  model.Video
		author model.User
	}, len(videos))
	for i := range videos {
		v, t, x := &videos[i], &texts[i], &parts[i]
		fillUser(&x.author, &v.Author, &t.author)
		x.video = model.Video{
			ID: v.Id, Author: &x.author, Title: v.Title, DurationMs: v.DurationMs, Width: v.WidthPx, Height: v.HeightPx,
			PlayURL: t.play, HlsURL: t.hls, CoverURL: t.cover, PreviewURL: t.preview, PublishedAt: t.published, PageURL: t.page,
			IsLiked: v.IsFavorite, Mentions: renderMentions(v.Mentions), ViewCount: v.Views,
		}
		if s := v.Stats; s != nil {
			x.video.LikeCount, x.video.CommentCount = s.FavoriteCount, s.CommentCount
		}
		out[i] = &x.video
	}
	return out
}

// renderRef renders what is needed to show which video something is about.
func renderRef(base string, v *video.Video) *model.VideoRef {
	return &model.VideoRef{ID: v.Id, Title: v.Title, CoverURL: pack.MediaURL(base, v.CoverKey)}
}

// renderMentions keeps the order.
func renderMentions(users []*user.User) []*model.Mention {
	return pack.Each(users, func(u **user.User) *model.Mention { return &model.Mention{UserID: (*u).Id, Name: (*u).Name} })
}

// renderComment renders a comment; base starts its URLs.
func renderComment(base string, c *view.Comment) *model.Comment {
	out := &model.Comment{
		ID: c.Id, VideoID: c.VideoId, Author: renderUser(base, &c.Author), Content: c.Content, CreatedAt: timestamp(c.CreatedAtMs),
		Mentions: renderMentions(c.Mentions), LikeCount: c.LikeCount, IsLiked: c.Liked, ReplyCount: c.ReplyCount,
		RootID: c.RootId, ReplyToID: c.ReplyToId, IsPinned: c.Pinned,
	}
	if c.ReplyToUser != nil {
		out.ReplyToUser = renderUser(base, c.ReplyToUser)
	}
	return out
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
func timestamp(ms int64) string { return new(texts).timestamp(ms) }

const (
	timestampLen = len("2006-01-02T15:04:05.000Z")
	pagePath     = "/v/"
	maxPagePath  = len(pagePath) + 19
)

// texts holds many short texts in one piece of memory.
type texts struct{ strings.Builder }

// timestamp is as the function of that name. Package time formats without milliseconds in a third of the time.
func (t *texts) timestamp(ms int64) string {
	at := time.UnixMilli(ms).UTC()
	var b [timestampLen]byte
	out := at.AppendFormat(b[:0], time.RFC3339)
	milli := at.Nanosecond() / 1e6
	out = append(out[:len(out)-1], '.', byte('0'+milli/100), byte('0'+milli/10%10), byte('0'+milli%10), 'Z')
	start := t.Len()
	_, _ = t.Write(out) // takes everything
	return t.String()[start:]
}

// mediaURL is pack.MediaURL, optionalURL pack.OptionalURL.
func (t *texts) mediaURL(base, key string) string {
	start := t.Len()
	_, _ = t.WriteString(base) // takes everything
	_, _ = t.WriteString(pack.MediaPath)
	_, _ = t.WriteString(key)
	return t.String()[start:]
}

func (t *texts) optionalURL(base, key string) string {
	if key == "" {
		return ""
	}
	return t.mediaURL(base, key)
}

// pageURL is the address of a video's page.
func (t *texts) pageURL(base string, video int64) string {
	var b [maxPagePath]byte
	path := strconv.AppendInt(append(b[:0], pagePath...), video, 10)
	start := t.Len()
	_, _ = t.WriteString(base) // takes everything, as Write does
	_, _ = t.Write(path)
	return t.String()[start:]
}
