package demo

import (
	"context"
	"errors"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/discovery"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/media"
)

// InProcess is the all-in-one from inside, before its gateway answers.
type InProcess struct {
	Clients rpc.Clients
	Blobs   blob.Store
}

var _ Backend = InProcess{}

// Empty implements Backend.
func (p InProcess) Empty(ctx context.Context) (bool, error) {
	feed, err := p.Clients.Video.Feed(ctx, &video.FeedRequest{Limit: 1})
	if err != nil {
		return false, err
	}
	return len(feed.Videos) == 0, nil
}

// Account implements Backend.
func (p InProcess) Account(ctx context.Context, name, password string) (Account, error) {
	r, err := p.Clients.User.Register(ctx, &user.RegisterRequest{Username: name, Password: password})
	if err == nil {
		return Account{ID: r.UserId}, nil
	}
	if !errors.Is(errno.From(err), errno.UserNameTaken) {
		return Account{}, err
	}
	known, err := p.Clients.User.Login(ctx, &user.LoginRequest{Username: name, Password: password})
	if err != nil {
		return Account{}, errors.Join(errors.New("the name belongs to somebody else"), err)
	}
	return Account{ID: known.UserId}, nil
}

// Profile implements Backend.
func (p InProcess) Profile(ctx context.Context, of Account, a Author) error {
	_, err := p.Clients.User.UpdateProfile(ctx, &user.UpdateProfileRequest{
		UserId: of.ID, DisplayName: &a.DisplayName, Signature: &a.Signature,
	})
	return err
}

// Videos implements Backend.
func (p InProcess) Videos(ctx context.Context, author Account) (map[string]int64, error) {
	r, err := p.Clients.Video.ListByAuthor(ctx, &video.ListByAuthorRequest{AuthorId: author.ID, Fresh: true})
	if err != nil {
		return nil, err
	}
	ids := make(map[string]int64, len(r.Videos))
	for _, v := range r.Videos {
		ids[v.Title] = v.Id
	}
	return ids, nil
}

// Publish implements Backend.
func (p InProcess) Publish(ctx context.Context, author Account, v Video) error {
	info, size, err := p.store(ctx, v.Clip+".mp4", "video/mp4")
	if err != nil {
		return err
	}
	if _, _, err := p.store(ctx, v.Clip+".jpg", "image/jpeg"); err != nil {
		return err
	}
	_, err = p.Clients.Video.Publish(ctx, &video.PublishRequest{
		AuthorId: author.ID, Title: v.Title, PlayKey: "demo/" + v.Clip + ".mp4", CoverKey: "demo/" + v.Clip + ".jpg",
		DurationMs: info.DurationMs, SizeBytes: size, WidthPx: info.WidthPx, HeightPx: info.HeightPx,
		VideoCodec: info.VideoCodec, AudioCodec: info.AudioCodec, Rotation: int32(info.RotationDeg), //nolint:gosec // 0..270
	})
	return err
}

// store puts a clip's file into the blob store, and probes it when it is a video.
func (p InProcess) store(ctx context.Context, name, contentType string) (media.Info, int64, error) {
	f, err := clips.Open("clips/" + name)
	if err != nil {
		return media.Info{}, 0, err
	}
	defer f.Close()
	size, err := p.Blobs.Put(ctx, "demo/"+name, f, contentType)
	if err != nil || contentType != "video/mp4" {
		return media.Info{}, size, err
	}
	obj, err := p.Blobs.Open(ctx, "demo/"+name)
	if err != nil {
		return media.Info{}, 0, err
	}
	defer obj.Close()
	info, err := media.Probe(ctx, media.ReaderAt(obj), obj.Size)
	return info, size, err
}

// Follow implements Backend.
func (p InProcess) Follow(ctx context.Context, follower, followed Account) error {
	_, err := p.Clients.Social.Follow(ctx, &social.FollowRequest{UserId: follower.ID, ToUserId: followed.ID})
	return err
}

// Like implements Backend.
func (p InProcess) Like(ctx context.Context, by Account, id int64) error {
	_, err := p.Clients.Interaction.Favorite(ctx, &interaction.FavoriteRequest{UserId: by.ID, VideoId: id})
	return err
}

// Watch implements Backend.
func (p InProcess) Watch(ctx context.Context, by Account, videos []int64) error {
	watches := make([]*discovery.Watch, len(videos))
	for i, id := range videos {
		watches[i] = &discovery.Watch{VideoId: id, Session: watchedSession, WatchedMs: watchedMs, Finished: true}
	}
	_, err := p.Clients.Discovery.AddWatches(ctx, &discovery.AddWatchesRequest{UserId: by.ID, Watches: watches})
	return err
}

// Comments implements Backend.
func (p InProcess) Comments(ctx context.Context, id int64) (int, error) {
	r, err := p.Clients.Interaction.ListComments(ctx, &interaction.ListCommentsRequest{VideoId: id})
	if err != nil {
		return 0, err
	}
	return len(r.Comments), nil
}

// Comment implements Backend.
func (p InProcess) Comment(ctx context.Context, by Account, id int64, text string) error {
	_, err := p.Clients.Interaction.CreateComment(ctx, &interaction.CreateCommentRequest{UserId: by.ID, VideoId: id, Content: text})
	return err
}

// Messages implements Backend.
func (p InProcess) Messages(ctx context.Context, one, other Account) (int, error) {
	r, err := p.Clients.Chat.ListMessages(ctx, &chat.ListMessagesRequest{UserId: one.ID, PeerId: other.ID})
	if err != nil {
		return 0, err
	}
	return len(r.Messages), nil
}

// Send implements Backend.
func (p InProcess) Send(ctx context.Context, from, to Account, text string) error {
	_, err := p.Clients.Chat.SendMessage(ctx, &chat.SendMessageRequest{FromUserId: from.ID, ToUserId: to.ID, Content: text})
	return err
}
