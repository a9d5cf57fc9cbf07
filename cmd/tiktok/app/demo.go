package app

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/biz/rpc"
	"tiktok/config"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/media"
)

// clips are this project's own: demo/make-clips.sh draws them.
//
//go:embed demo/clips
var clips embed.FS

// demoPassword is the same for all demo accounts; it is printed at start.
const demoPassword = "tiktok-demo"

// demo fills an empty store through the same calls that a client's requests make.
type demo struct {
	clients rpc.Clients
	blobs   blob.Store
	// marker is a file that exists from the first to the last step of seeding, so that a start after a crash goes on.
	marker string
}

func newDemo(clients rpc.Clients, blobs blob.Store, dataDir string) *demo {
	return &demo{clients: clients, blobs: blobs, marker: filepath.Join(dataDir, "demo.unfinished")}
}

type demoVideo struct{ author, clip, title string }

func demoVideos() []demoVideo {
	return []demoVideo{
		{"alice", "tide", "The sun goes, the sea keeps the light"},
		{"carol", "moss", "A garden that plays Life"},
		{"bob", "ripples", "Two drops of gold"},
		{"dave", "vortex", "Don't look away"},
		{"erin", "silk", "Silk in slow motion"},
		{"bob", "fireflies", "Summer night, out of focus 夏夜萤火"},
		{"carol", "hills", "Morning train"},
		{"alice", "aurora", "Northern lights over the ridge 北极光"},
	}
}

func demoUsers() []string { return []string{"alice", "bob", "carol", "dave", "erin"} }

// demoAccounts are those that log in from nearby only. A store keeps its demo accounts when no demo content is wanted any more,
// so that does not matter.
func demoAccounts(cfg config.Demo) handler.Demo {
	if cfg.Public {
		return handler.Demo{}
	}
	return handler.Demo{Accounts: demoUsers(), Password: demoPassword}
}

func demoFollows() [][2]string {
	return [][2]string{{"alice", "bob"}, {"bob", "alice"}, {"alice", "carol"}, {"carol", "alice"}, {"dave", "alice"}, {"bob", "carol"}, {"erin", "bob"}, {"dave", "erin"}, {"erin", "dave"}}
}

func demoTexts() [][2]string {
	return [][2]string{
		{"bob", "I could watch this all day"},
		{"carol", "How did you make this?"},
		{"dave", "so calm 🌊"},
		{"erin", "再来一个！"},
	}
}

func demoChat() [][2]string {
	return [][2]string{
		{"alice", "hi Bob, did you see the new clip?"},
		{"bob", "yes! the colours are great"},
		{"alice", "more tomorrow :)"},
	}
}

// seed makes the demo content when there is no video yet, or goes on where an interrupted start left off.
func (d *demo) seed(ctx context.Context) error {
	unfinished, err := d.needed(ctx)
	if err != nil || !unfinished {
		return err
	}
	if err := os.WriteFile(d.marker, nil, 0o600); err != nil {
		return err
	}
	ids, err := d.users(ctx)
	if err != nil {
		return err
	}
	videos, err := d.videos(ctx, ids)
	if err != nil {
		return err
	}
	if err := errors.Join(d.follow(ctx, ids), d.favor(ctx, ids, videos), d.comment(ctx, ids, videos), d.chat(ctx, ids)); err != nil {
		return err
	}
	return os.Remove(d.marker)
}

func (d *demo) needed(ctx context.Context) (bool, error) {
	if _, err := os.Stat(d.marker); err == nil {
		return true, nil
	}
	feed, err := d.clients.Video.Feed(ctx, &video.FeedRequest{Limit: 1})
	if err != nil {
		return false, err
	}
	return len(feed.Videos) == 0, nil
}

func (d *demo) users(ctx context.Context) (map[string]int64, error) {
	ids := map[string]int64{}
	for _, name := range demoUsers() {
		r, err := d.clients.User.Register(ctx, &user.RegisterRequest{Username: name, Password: demoPassword})
		if err == nil {
			ids[name] = r.UserId
			continue
		}
		if !errors.Is(errno.From(err), errno.UserNameTaken) {
			return nil, err
		}
		known, err := d.clients.User.Login(ctx, &user.LoginRequest{Username: name, Password: demoPassword})
		if err != nil {
			return nil, fmt.Errorf("the name %s belongs to somebody else; start with -demo=false: %w", name, err)
		}
		ids[name] = known.UserId
	}
	return ids, nil
}

// videos publishes what is not there yet and returns all demo videos, oldest first.
func (d *demo) videos(ctx context.Context, ids map[string]int64) ([]*video.Video, error) {
	have := map[string]*video.Video{}
	for _, name := range demoUsers() {
		list, err := d.clients.Video.ListByAuthor(ctx, &video.ListByAuthorRequest{AuthorId: ids[name]})
		if err != nil {
			return nil, err
		}
		for _, v := range list.Videos {
			have[name+"/"+v.Title] = v
		}
	}
	var out []*video.Video
	for _, v := range demoVideos() {
		known, ok := have[v.author+"/"+v.title]
		if !ok {
			var err error
			if known, err = d.publish(ctx, ids[v.author], v); err != nil {
				return nil, fmt.Errorf("%s: %w", v.clip, err)
			}
		}
		out = append(out, known)
	}
	return out, nil
}

func (d *demo) publish(ctx context.Context, author int64, v demoVideo) (*video.Video, error) {
	info, size, err := d.store(ctx, v.clip+".mp4", "video/mp4")
	if err != nil {
		return nil, err
	}
	if _, _, err := d.store(ctx, v.clip+".jpg", "image/jpeg"); err != nil {
		return nil, err
	}
	r, err := d.clients.Video.Publish(ctx, &video.PublishRequest{
		AuthorId: author, Title: v.title, PlayKey: "demo/" + v.clip + ".mp4", CoverKey: "demo/" + v.clip + ".jpg",
		DurationMs: info.DurationMs, SizeBytes: size, WidthPx: info.WidthPx, HeightPx: info.HeightPx,
		VideoCodec: info.VideoCodec, AudioCodec: info.AudioCodec, Rotation: int32(info.RotationDeg), //nolint:gosec // 0..270
	})
	if err != nil {
		return nil, err
	}
	return r.Video, nil
}

// store puts an embedded file into the blob store, and probes it when it is a video.
func (d *demo) store(ctx context.Context, name, contentType string) (media.Info, int64, error) {
	f, err := clips.Open("demo/clips/" + name)
	if err != nil {
		return media.Info{}, 0, err
	}
	defer f.Close()
	size, err := d.blobs.Put(ctx, "demo/"+name, f, contentType)
	if err != nil || contentType != "video/mp4" {
		return media.Info{}, size, err
	}
	obj, err := d.blobs.Open(ctx, "demo/"+name)
	if err != nil {
		return media.Info{}, 0, err
	}
	defer obj.Close()
	info, err := media.Probe(ctx, media.ReaderAt(obj), obj.Size)
	return info, size, err
}

func (d *demo) follow(ctx context.Context, ids map[string]int64) error {
	for _, f := range demoFollows() {
		if _, err := d.clients.Social.Follow(ctx, &social.FollowRequest{UserId: ids[f[0]], ToUserId: ids[f[1]]}); err != nil {
			return err
		}
	}
	return nil
}

// favor lets each user like every video but some, so that the counts differ.
func (d *demo) favor(ctx context.Context, ids map[string]int64, videos []*video.Video) error {
	for i, name := range demoUsers() {
		for j, v := range videos {
			if (i*3+j)%4 == 0 {
				continue
			}
			if _, err := d.clients.Interaction.Favorite(ctx, &interaction.FavoriteRequest{UserId: ids[name], VideoId: v.Id}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *demo) comment(ctx context.Context, ids map[string]int64, videos []*video.Video) error {
	texts := demoTexts()
	for i, v := range videos {
		have, err := d.clients.Interaction.ListComments(ctx, &interaction.ListCommentsRequest{VideoId: v.Id})
		if err != nil {
			return err
		}
		for j := len(have.Comments); j < 1+i%3; j++ {
			t := texts[(i+j)%len(texts)]
			if _, err := d.clients.Interaction.CreateComment(ctx, &interaction.CreateCommentRequest{UserId: ids[t[0]], VideoId: v.Id, Content: t[1]}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *demo) chat(ctx context.Context, ids map[string]int64) error {
	peer := map[string]string{"alice": "bob", "bob": "alice"}
	have, err := d.clients.Chat.ListMessages(ctx, &chat.ListMessagesRequest{UserId: ids["alice"], PeerId: ids["bob"]})
	if err != nil {
		return err
	}
	for _, m := range demoChat()[min(len(have.Messages), len(demoChat())):] {
		if _, err := d.clients.Chat.SendMessage(ctx, &chat.SendMessageRequest{FromUserId: ids[m[0]], ToUserId: ids[peer[m[0]]], Content: m[1]}); err != nil {
			return err
		}
	}
	return nil
}
