package service

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/cmd/interaction/rpc"
	"tiktok/config"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/id"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

func peers(t *testing.T) rpc.Peers {
	t.Helper()
	local, err := transport.Local(Name, videoservice.NewServer(&fakeVideos{}, options("video")...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := videoservice.NewClient("video", transport.Strict(), local)
	if err != nil {
		t.Fatal(err)
	}
	return rpc.Peers{Videos: c}
}

// What was answered is there after a restart.
func TestOpenAgain(t *testing.T) {
	cfg := config.Default()
	cfg.DB.Dir = t.TempDir()
	v := videoOf(1, 1)
	run := func(use func(s *Service)) {
		t.Helper()
		s, err := Open(t.Context(), cfg, telemetry.Discard(), id.New(0), peers(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		use(s)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := s.Ready(t.Context()); err == nil {
			t.Error("a closed service is ready")
		}
	}
	run(func(s *Service) {
		if _, err := s.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: 101, VideoId: v}); err != nil {
			t.Error(err)
		}
		if _, err := s.CreateComment(t.Context(), &interaction.CreateCommentRequest{UserId: 101, VideoId: v, Content: "hi"}); err != nil {
			t.Error(err)
		}
	})
	run(func(s *Service) {
		resp, err := s.MGetStats(t.Context(), &interaction.MGetStatsRequest{
			VideoIds: []int64{v}, ViewerQueries: []*interaction.ViewerQuery{{ViewerId: 101, VideoIds: []int64{v}}},
		})
		if err != nil {
			t.Error(err)
			return
		}
		same(t, "stats", &interaction.VideoStats{FavoriteCount: 1, CommentCount: 1}, resp.Videos[v])
		same(t, "likes", []int64{v}, resp.ViewerStates[0].FavoriteIds)
	})
}

func TestOpenFails(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"words": func(c *config.Config) { c.Words.File = filepath.Join(t.TempDir(), "missing") },
		"db":    func(c *config.Config) { c.DB.Driver = "oracle" },
		"dir": func(c *config.Config) {
			c.DB.Dir = filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(c.DB.Dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"cache": func(c *config.Config) { c.Cache.Driver = "memcached" },
		"queue": func(c *config.Config) { c.Queue.Driver = "kafka" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config.Default()
			cfg.DB.Dir = t.TempDir()
			change(&cfg)
			s, err := Open(t.Context(), cfg, telemetry.Discard(), id.New(0), rpc.Peers{}, nil)
			if err == nil || s != nil || !strings.HasPrefix(err.Error(), "interaction: ") {
				t.Errorf("Open: %v, %v", s, err)
			}
		})
	}
}
