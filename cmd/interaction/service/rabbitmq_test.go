package service

import (
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/cmd/interaction/dal/db"
	"tiktok/cmd/interaction/dal/mq"
	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/queue"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// shared is a cache that two replicas use, as they use one Redis.
type shared struct{ kv.Store }

func (shared) Close() error { return nil }

// Two replicas share a broker, a schema and a cache. Without backpressure what one of them has answered is what the other
// shows next, and after many writers at once through both of them everything is exact.
func TestReplicasOverRabbitMQ(t *testing.T) {
	url := os.Getenv("TIKTOK_TEST_RABBITMQ")
	if url == "" {
		t.Skip("TIKTOK_TEST_RABBITMQ is not set")
	}
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		t.Run("one queue", func(t *testing.T) { testReplicas(t, raw, url, 1, 1) })
	})
	// Users of one video are in several partitions, each with a writer in both replicas, which are in the midst of a rolling change.
	sqldbtest.Each(t, Name, db.Migrations(), func(t *testing.T, raw *sqldb.DB) {
		t.Run("partitions", func(t *testing.T) { testReplicas(t, raw, url, 4, 2) })
	})
}

func testReplicas(t *testing.T, raw *sqldb.DB, url string, partitions ...int) {
	store, err := kv.Open(t.Context(), kv.Config{Driver: kv.DriverMemory})
	if err != nil {
		t.Fatal(err)
	}
	cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: url}
	// Nobody else's queue: tests of several packages may share the broker.
	name := "test.interaction." + rand.Text()
	replica := func(node int) *fixture {
		return newFixture(t, raw, func(d *Deps) {
			if err := d.Queue.Close(); err != nil {
				t.Fatal(err)
			}
			cfg.Partitions = partitions[node-1]
			if d.Queue, err = queue.OpenPartitioned(t.Context(), cfg, name, mq.Event.Owner, nil); err != nil {
				t.Fatal(err)
			}
			d.Cache = shared{store}
			d.IDs = id.New(node)
		})
	}
	t.Cleanup(func() { // after the replicas are gone
		for i := slices.Max(partitions) - 1; i > 0; i-- {
			drop(t, url, fmt.Sprintf("%s.p%d", name, i))
		}
		drop(t, url, name)
	})
	a, b := replica(1), replica(2)
	connected(t, a.queue, b.queue)
	v := videoOf(7, 1)
	for range 10 {
		a.like(t, 101, v)
		same(t, "liked here, read there", seenVideo{FavoriteCount: 1, IsFavorite: true}, b.videoStats(t, 101, v))
		b.unlike(t, 101, v)
		same(t, "unliked there, read here", seenVideo{}, a.videoStats(t, 101, v))
	}
	c := a.comment(t, 101, v, "hi")
	same(t, "comments", []int64{c.Id}, b.comments(t, v, 0))
	if err := b.delete(t, 101, v, c.Id); err != nil {
		t.Error(err)
	}
	same(t, "comments", []int64{}, a.comments(t, v, 0))

	var wg sync.WaitGroup
	for user := range int64(50) {
		wg.Go(func() {
			for n := range int64(10) {
				a.like(t, 200+user, videoOf(8, n))
				b.like(t, 200+user, videoOf(8, n))
				b.comment(t, 200+user, videoOf(8, n), "hi")
			}
		})
	}
	wg.Wait()
	for n := range int64(10) {
		same(t, "after many", seenVideo{FavoriteCount: 50, CommentCount: 50}, a.videoStats(t, 0, videoOf(8, n)))
	}
	same(t, "author", interaction.UserStats{TotalFavorited: 500}, b.userStats(t, 8))
	a.audited(t)
}

// BenchmarkPartitions is what two replicas store of likes by 256 users at once, in so many partitions of the queue.
func BenchmarkPartitions(b *testing.B) {
	url := os.Getenv("TIKTOK_TEST_RABBITMQ")
	if url == "" {
		b.Skip("TIKTOK_TEST_RABBITMQ is not set")
	}
	for _, partitions := range []int{1, 2, 4} {
		for load, videos := range map[string]int64{"hot": 1, "spread": 10_000} {
			b.Run(fmt.Sprintf("%d/%s", partitions, load), func(b *testing.B) {
				raw := sqldbtest.MySQL(b, Name, db.Migrations())
				store, err := kv.Open(b.Context(), kv.Config{Driver: kv.DriverMemory})
				if err != nil {
					b.Fatal(err)
				}
				cfg := queue.Config{Driver: queue.DriverRabbitMQ, URL: url, Partitions: partitions}
				name := "test.interaction." + rand.Text()
				b.Cleanup(func() {
					for i := partitions - 1; i > 0; i-- {
						drop(b, url, fmt.Sprintf("%s.p%d", name, i))
					}
					drop(b, url, name)
				})
				var replicas [2]*fixture
				for i := range replicas {
					replicas[i] = newFixture(b, raw, func(d *Deps) {
						if err := d.Queue.Close(); err != nil {
							b.Fatal(err)
						}
						if d.Queue, err = queue.OpenPartitioned(b.Context(), cfg, name, mq.Event.Owner, nil); err != nil {
							b.Fatal(err)
						}
						d.Cache, d.IDs = shared{store}, id.New(i+1)
					})
				}
				connected(b, replicas[0].queue, replicas[1].queue)
				var n atomic.Int64
				b.SetParallelism(256 / runtime.GOMAXPROCS(0))
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						i := n.Add(1)
						video := i * 7919 % videos
						e := replicas[0].likeEvent(1000+i*104729%10_000_019, videoOf(1+video%authors, video/authors), true)
						if _, err := replicas[i%2].publish(b.Context(), e); err != nil {
							b.Error(err)
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "likes/s")
			})
		}
	}
}

// connected waits until the queues have found the broker. Without it the first writes go straight to the store.
func connected[T any](t testing.TB, queues ...queue.Queue[T]) {
	t.Helper()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	deadline := time.After(20 * time.Second)
	for _, q := range queues {
		for err := q.Ping(t.Context()); err != nil; err = q.Ping(t.Context()) {
			select {
			case <-retry.C:
			case <-deadline:
				t.Fatalf("no broker: %v", err)
			}
		}
	}
}

// drop deletes a test's queues from the broker. Nothing may be left in the one of dead letters.
func drop(t testing.TB, url, name string) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"tiktok." + name, "tiktok." + name + ".dead"} {
		left, err := ch.QueueDelete(q, false, false, false)
		if err != nil {
			t.Errorf("delete queue %s: %v", q, err)
		}
		if left != 0 {
			t.Errorf("%d events are left in %s", left, q)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-retry.C:
		case <-deadline:
			t.Fatalf("waited too long for %s", what)
		}
	}
}
