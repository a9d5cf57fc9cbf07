package service

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"tiktok/cmd/interaction/dal/mq"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/errno"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb/sqldbtest"
)

// countedQueue counts the Publish calls that have begun.
type countedQueue struct {
	queue.Queue[mq.Event]
	begun atomic.Int64
	all   chan struct{} // closed when want calls have begun
	want  int64
}

func (q *countedQueue) Publish(ctx context.Context, e mq.Event) (bool, error) {
	if q.begun.Add(1) == q.want {
		close(q.all)
	}
	return q.Queue.Publish(ctx, e)
}

// withoutBroker opens the queue as the service does, where nobody listens.
func withoutBroker(t *testing.T, d *Deps) {
	t.Helper()
	if err := d.Queue.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: "amqp://127.0.0.1:1/"}
	if d.Queue, err = queue.Open[mq.Event](t.Context(), cfg, Name, nil, queue.WithFallback()); err != nil {
		t.Fatal(err)
	}
}

// With the broker away a like and a comment are stored all the same.
func TestBrokerAway(t *testing.T) {
	f := onSQLite(t, func(d *Deps) { withoutBroker(t, d) })
	v := videoOf(1, 1)
	f.like(t, 101, v)
	f.comment(t, 101, v, "hi")
	same(t, "stats", seenVideo{FavoriteCount: 1, CommentCount: 1, IsFavorite: true}, f.videoStats(t, 101, v))
	f.audited(t)
}

// With the broker away a storm on one video is stored in a few transactions, not in one for each like.
func TestDegradedStorm(t *testing.T) {
	const users = 256
	events := &countedQueue{all: make(chan struct{}), want: users}
	f := onSQLite(t, func(d *Deps) {
		withoutBroker(t, d)
		events.Queue, d.Queue = d.Queue, events
	})
	v := videoOf(1, 1)
	count := sqldbtest.CountStatements(f.raw)
	var wg sync.WaitGroup
	// The store is busy until all of them wait.
	err := f.raw.Write.Transaction(func(*gorm.DB) error {
		for user := range int64(users) {
			wg.Go(func() { f.like(t, 100+user, v) })
		}
		<-events.all
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	// The first batch is what came before the store was asked, the last ones what came while it was.
	if n := count(); n > users/4 {
		t.Errorf("%d likes cost %d statements", users, n)
	}
	same(t, "stats", seenVideo{FavoriteCount: users, IsFavorite: true}, f.videoStats(t, 100, v))
	f.audited(t)
}

// One call of the video service answers all who ask about a video at the same time and for some seconds after, but
// that there is no such video is asked again each time.
func TestAuthorLookups(t *testing.T) {
	f := onSQLite(t, nil)
	v := videoOf(1, 1)
	var wg sync.WaitGroup
	for user := range int64(64) {
		wg.Go(func() { f.like(t, 100+user, v) })
	}
	wg.Wait()
	f.comment(t, 100, v, "hi")
	// Who finds nothing in the cache just before the answer gets there, and no call under way just after, asks again.
	calls := f.videos.calls.Load()
	if calls > 4 {
		t.Errorf("65 writes to one video cost %d calls", calls)
	}
	for range 3 {
		_, err := f.client.Favorite(t.Context(), &interaction.FavoriteRequest{UserId: 101, VideoId: videoOf(authors+1, 1)})
		if !errno.From(err).Is(errno.VideoNotFound) {
			t.Errorf("like of an unknown video: %v", err)
		}
	}
	if n := f.videos.calls.Load(); n != calls+3 {
		t.Errorf("3 likes of an unknown video cost %d calls, want 3", n-calls)
	}
}
