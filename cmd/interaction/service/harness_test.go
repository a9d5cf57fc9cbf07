package service

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cloudwego/kitex/server"
	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/rpc"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/id"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/outbox"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
	"tiktok/pkg/words"
)

// Every video in the tests has an id of author*videosPerAuthor + n; the peer knows those of authors 1..authors.
const (
	videosPerAuthor = 1000
	authors         = 50
)

func videoOf(author, n int64) int64 { return author*videosPerAuthor + n }

func authorOf(videoID int64) int64 { return videoID / videosPerAuthor }

// fakeVideos is the video service: it knows videos by their number alone.
type fakeVideos struct {
	video.VideoService
	calls atomic.Int64
	// deleted holds the ids of videos that are no more.
	deleted sync.Map
	err     atomic.Pointer[error]
}

// MGetVideos implements the generated interface.
func (f *fakeVideos) MGetVideos(_ context.Context, req *video.MGetVideosRequest) (*video.MGetVideosResponse, error) {
	f.calls.Add(1)
	if err := f.err.Load(); err != nil {
		return nil, *err
	}
	resp := &video.MGetVideosResponse{Videos: map[int64]*video.Video{}}
	for _, v := range req.VideoIds {
		if _, deleted := f.deleted.Load(v); deleted {
			continue
		}
		if a := authorOf(v); a >= 1 && a <= authors {
			resp.Videos[v] = &video.Video{Id: v, AuthorId: a, Title: "a video"}
		}
	}
	return resp, nil
}

// fixture is a running service and what a test looks at.
type fixture struct {
	*Service
	// client calls the service through a codec, as the gateway does.
	client interactionservice.Client
	videos *fakeVideos
	raw    *sqldb.DB
	// told is the bus, through which the video service tells of deletions.
	told outbox.Bus
}

// consumers is the service alone, which does not rest between deletions.
func consumers() []outbox.Consumer {
	return []outbox.Consumer{{Name: Name, Topics: []string{event.TOPIC_VIDEO}, Rest: -1}}
}

// newFixture puts a service together on raw and runs it until the test ends. change may replace dependencies.
func newFixture(t testing.TB, raw *sqldb.DB, change func(*Deps)) *fixture {
	t.Helper()
	f := &fixture{videos: &fakeVideos{}, raw: raw}
	local, err := transport.Local("interaction", videoservice.NewServer(f.videos, options("video")...))
	if err != nil {
		t.Fatal(err)
	}
	videos, err := videoservice.NewClient("video", transport.Strict(), local)
	if err != nil {
		t.Fatal(err)
	}
	cache := kvtest.Shared(t)
	events, err := queue.Open[mq.Event](t.Context(), queue.Config{Driver: queue.DriverMemory}, Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	bus, err := outbox.OpenBus(t.Context(), queue.Config{Driver: queue.DriverMemory}, consumers(), telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	d := Deps{
		Store: db.New(raw),
		Cache: cache,
		Queue: events,
		Bus:   bus,
		Words: filter(t, "mask"),
		IDs:   id.New(0),
		Peers: rpc.Peers{Videos: videos},
	}
	if change != nil {
		change(&d)
	}
	f.Service, f.told = New(d), d.Bus

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := d.Queue.Close(); err != nil {
			t.Errorf("close the queue: %v", err)
		}
		if err := d.Cache.Close(); err != nil {
			t.Errorf("close the cache: %v", err)
		}
		if err := d.Bus.Close(); err != nil {
			t.Errorf("close the bus: %v", err)
		}
	})

	local, err = transport.Local("api", interactionservice.NewServer(f.Service, options(Name)...))
	if err != nil {
		t.Fatal(err)
	}
	f.client, err = interactionservice.NewClient(Name, transport.Strict(), local)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func options(service string) []server.Option {
	return transport.ServerOptions(service, telemetry.Discard())
}

// filter knows one forbidden word.
func filter(t testing.TB, mode string) *words.Filter {
	t.Helper()
	file := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(file, []byte("# forbidden\nbadword\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := words.Open(words.Config{File: file, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// each runs fn on a service over every SQL dialect.
func each(t *testing.T, fn func(t *testing.T, f *fixture)) {
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, raw *sqldb.DB) { fn(t, newFixture(t, raw, nil)) })
}

// onSQLite is a service over a fresh SQLite file.
func onSQLite(t *testing.T, change func(*Deps)) *fixture {
	t.Helper()
	return newFixture(t, sqldbtest.SQLite(t, Name, db.Migrations()), change)
}

func (f *fixture) like(t testing.TB, user, videoID int64) {
	t.Helper()
	if _, err := f.client.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: user, VideoId: videoID}); err != nil {
		t.Errorf("user %d likes video %d: %v", user, videoID, err)
	}
}

func (f *fixture) unlike(t testing.TB, user, videoID int64) {
	t.Helper()
	if _, err := f.client.Unfavorite(t.Context(), &interaction.UnfavoriteRequest{UserId: user, VideoId: videoID}); err != nil {
		t.Errorf("user %d unlikes video %d: %v", user, videoID, err)
	}
}

func (f *fixture) comment(t testing.TB, user, videoID int64, content string) *interaction.Comment {
	t.Helper()
	resp, err := f.client.CreateComment(t.Context(), &interaction.CreateCommentRequest{UserId: user, VideoId: videoID, Content: content})
	if err != nil {
		t.Errorf("user %d comments on video %d: %v", user, videoID, err)
		return &interaction.Comment{}
	}
	return resp.Comment
}

// seenVideo is a video's counters and flag as a viewer sees them.
type seenVideo struct {
	FavoriteCount, CommentCount int64
	IsFavorite                  bool
}

// stats are counters and flags as the viewer sees them; 0 is a visitor.
func (f *fixture) see(t testing.TB, viewer int64, videos, users []int64) (map[int64]seenVideo, map[int64]interaction.UserStats) {
	t.Helper()
	req := &interaction.MGetStatsRequest{VideoIds: videos, UserIds: users}
	if viewer > 0 {
		req.ViewerQueries = []*interaction.ViewerQuery{{ViewerId: viewer, VideoIds: videos, UserIds: users}}
	}
	resp, err := f.client.MGetStats(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	sawVideos, sawUsers := map[int64]seenVideo{}, map[int64]interaction.UserStats{}
	for id, v := range resp.Videos {
		sawVideos[id] = seenVideo{FavoriteCount: v.FavoriteCount, CommentCount: v.CommentCount}
	}
	for id, u := range resp.Users {
		sawUsers[id] = *u
	}
	for _, s := range resp.ViewerStates {
		for id, v := range s.Videos {
			sawVideos[id] = seenVideo{FavoriteCount: v.FavoriteCount, CommentCount: v.CommentCount}
		}
		for id, u := range s.Users {
			sawUsers[id] = *u
		}
		for _, id := range s.FavoriteIds {
			v := sawVideos[id]
			v.IsFavorite = true
			sawVideos[id] = v
		}
	}
	return sawVideos, sawUsers
}

func (f *fixture) videoStats(t testing.TB, viewer, videoID int64) seenVideo {
	t.Helper()
	videos, _ := f.see(t, viewer, []int64{videoID}, nil)
	v, ok := videos[videoID]
	if !ok {
		t.Fatalf("stats of video %d are missing", videoID)
	}
	return v
}

func (f *fixture) userStats(t testing.TB, user int64) interaction.UserStats {
	t.Helper()
	return f.userStatsFor(t, 0, user)
}

// userStatsFor are the user's counters as the viewer sees them.
func (f *fixture) userStatsFor(t testing.TB, viewer, user int64) interaction.UserStats {
	t.Helper()
	_, users := f.see(t, viewer, nil, []int64{user})
	u, ok := users[user]
	if !ok {
		t.Fatalf("stats of user %d are missing", user)
	}
	return u
}

// favorites reads a user's whole list in pages of the given size.
func (f *fixture) favorites(t testing.TB, user int64, size int32) []int64 {
	t.Helper()
	all, cursor := []int64{}, ""
	for {
		page := &common.Page{Cursor: cursor, Limit: size}
		resp, err := f.client.ListFavorites(t.Context(), &interaction.ListFavoritesRequest{UserId: user, Page: page})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, resp.VideoIds...)
		if cursor = resp.NextCursor; cursor == "" {
			return all
		}
	}
}

// comments reads the ids of a video's whole list in pages of the given size, as a visitor.
func (f *fixture) comments(t testing.TB, videoID int64, size int32) []int64 {
	t.Helper()
	return f.commentsFor(t, 0, videoID, size)
}

// commentsFor is comments as the viewer sees them.
func (f *fixture) commentsFor(t testing.TB, viewer, videoID int64, size int32) []int64 {
	t.Helper()
	all, cursor := []int64{}, ""
	for {
		page := &common.Page{Cursor: cursor, Limit: size}
		resp, err := f.client.ListComments(t.Context(), &interaction.ListCommentsRequest{VideoId: videoID, ViewerId: viewer, Page: page})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range resp.Comments {
			all = append(all, c.Id)
		}
		if cursor = resp.NextCursor; cursor == "" {
			return all
		}
	}
}

// audited fails the test when a counter does not equal its list.
func (f *fixture) audited(t testing.TB) {
	t.Helper()
	if _, err := f.store.Audit(t.Context(), t.Errorf); err != nil {
		t.Fatal(err)
	}
}

func same(t testing.TB, what string, want, got any, opts ...cmp.Option) {
	t.Helper()
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
