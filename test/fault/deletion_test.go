package fault_test

import (
	"fmt"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/test/harness"
)

// testDeletions: videos with likes and comments are deleted while RabbitMQ is away and the services that delete and that forget are
// killed. Nothing of a video whose deletion was answered stays, and nothing of another one goes.
func testDeletions(t *testing.T, d *harness.Deployment) {
	l := newLiked(t, d)
	server(t, "stop", "rabbitmq")
	back := false
	defer func() {
		if !back {
			server(t, "start", "rabbitmq")
		}
	}()
	l.author.DeleteVideo(t, l.next(t))
	d.Kill(t, "video")
	d.Kill(t, interaction)
	d.Revive(t, "video")
	l.author.DeleteVideo(t, l.next(t)) // told by a process that has never seen the broker
	server(t, "start", "rabbitmq")
	back = true
	d.Revive(t, interaction)
	for _, process := range []string{interaction, "video"} {
		l.author.DeleteVideo(t, l.next(t))
		d.Kill(t, process)
		d.Revive(t, process)
	}
	l.check(t)
}

// testDeletionsOfOne: the same, when everything is one process, which is killed as soon as it has answered.
func testDeletionsOfOne(t *testing.T, d *harness.Deployment) {
	l := newLiked(t, d)
	for range rounds() {
		l.author.DeleteVideo(t, l.next(t))
		d.Kill(t, config.AllInOne)
		d.Revive(t, config.AllInOne)
	}
	l.check(t)
}

// liked are videos of one author that fans like and have commented on. They are deleted one by one, but for the last.
type liked struct {
	d      *harness.Deployment
	author *harness.User
	fans   []*harness.User
	videos []harness.Video
	gone   int // how many are deleted
}

func newLiked(t *testing.T, d *harness.Deployment) *liked {
	t.Helper()
	const videos, fans = 6, 4
	l := &liked{d: d, author: d.NewUser(t)}
	for range fans {
		l.fans = append(l.fans, d.NewUser(t))
	}
	for i := range videos {
		v := l.author.Publish(t, fmt.Sprintf("to be deleted %d, by %s", i, l.author.Name))
		l.videos = append(l.videos, v)
		for _, fan := range l.fans {
			fan.Like(t, v.ID)
			fan.Comment(t, v.ID, "hi")
		}
	}
	return l
}

// next is a video to delete, and counts as deleted from now on.
func (l *liked) next(t *testing.T) int64 {
	t.Helper()
	if l.gone == len(l.videos)-1 {
		t.Fatal("no video left to delete")
	}
	l.gone++
	return l.videos[l.gone-1].ID
}

// check waits until everything has followed the deletions.
func (l *liked) check(t *testing.T) {
	t.Helper()
	left := int64(len(l.videos) - l.gone)
	harness.Eventually(t, time.Minute, func() error {
		if n := l.author.Profile(t, l.author.ID).TotalFavorited; n != left*int64(len(l.fans)) {
			return fmt.Errorf("the author has %d likes, want %d", n, left*int64(len(l.fans)))
		}
		for _, fan := range l.fans {
			if n, list := fan.Profile(t, fan.ID).FavoriteCount, len(fan.Favorites(t, fan.ID)); n != left || int64(list) != left {
				return fmt.Errorf("%s likes %d, and lists %d, want %d", fan.Name, n, list, left)
			}
		}
		return nil
	})
	for _, v := range l.videos[l.gone:] {
		if n := len(l.author.Comments(t, v.ID)); n != len(l.fans) {
			t.Errorf("video %d has %d comments, want %d", v.ID, n, len(l.fans))
		}
	}
	l.d.Audit(t)
}
