package pending_test

import (
	"os"
	"testing"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/cmd/interaction/dal/pending"
	"tiktok/pkg/kv"
)

// Builds that run side by side find each other's lists.
func TestKeys(t *testing.T) {
	addr := os.Getenv("TIKTOK_TEST_REDIS")
	if addr == "" {
		t.Skip("TIKTOK_TEST_REDIS is not set")
	}
	s, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverRedis, Addrs: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	lists := pending.New(s, nil)
	for l, want := range map[pending.List]string{
		pending.Likes(5):     "tt:interaction:plikes:v1:{5}",
		pending.Comments(5):  "tt:interaction:pcomments:v1:{5}",
		pending.Reactions(5): "tt:interaction:preactions:v1:{5}",
	} {
		if got := lists.Key(l); got != want {
			t.Errorf("key %s, want %s", got, want)
		}
	}
}

func TestListOf(t *testing.T) {
	for name, tc := range map[string]struct {
		event mq.Event
		list  pending.List
	}{
		"like":            {mq.Event{UserID: 5, Favorite: &mq.FavoriteEvent{Liked: true}}, pending.Likes(5)},
		"comment":         {mq.Event{UserID: 5, Comment: &mq.CommentEvent{CommentID: 1}}, pending.Comments(5)},
		"like of comment": {mq.Event{UserID: 5, CommentLike: &mq.CommentLikeEvent{CommentID: 1}}, pending.Reactions(5)},
		"pin":             {mq.Event{UserID: 5, Pin: &mq.PinEvent{}}, pending.Reactions(5)},
	} {
		if got := pending.ListOf(tc.event); got != tc.list {
			t.Errorf("a %s is in %+v, want %+v", name, got, tc.list)
		}
	}
}
