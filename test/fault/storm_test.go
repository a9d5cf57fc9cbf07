package fault_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

const (
	// writers act at once, each one thing after the other, on a few videos that everybody likes.
	writers   = 16
	hotVideos = 3
	// pace is how often a writer acts at most. It leaves some of the machine to what is tested.
	pace = 10 * time.Millisecond
	// patience bounds one request; the gateway gives up far earlier.
	patience = 20 * time.Second
	// maxComments is per writer and video, maxMessages per writer: lists hold the newest 1000.
	maxComments = 50
	maxMessages = 300
	// floodPace is the pace of a flood: as fast as the answers come. A few flooders use up their room sooner than many.
	floodPace = time.Millisecond
	flooders  = 2
	// lullPace is the pace while a server starts, which takes most of a small machine, and of a writer who was told that
	// something failed: a client that tries again at once would use up its comments in an outage.
	lullPace = 100 * time.Millisecond
	// tooBusy is the text of 10008 that says that nothing was done and nothing will be. Its other texts leave that open.
	tooBusy = "too busy, try again"
)

// kind is what a writer does.
type kind int

const (
	likes kind = iota
	comments
	follows
	messages
	kinds
)

func (k kind) String() string { return [...]string{"likes", "comments", "follows", "messages"}[k] }

// storm is many writers who remember what they were told.
type storm struct {
	d      *harness.Deployment
	author *harness.User
	videos []harness.Video
	all    []*writer

	// pace is how often a writer acts at most, nanoseconds; hot writers only like and comment.
	pace atomic.Int64
	hot  bool

	acked, failed [kinds]atomic.Int64
	refused       atomic.Int64
	stop          context.CancelFunc
	wg            sync.WaitGroup

	mu      sync.Mutex
	codes   map[string]int // failures by answer; guarded by mu
	silent  []string       // requests without an envelope; guarded by mu
	slowest window         // guarded by mu
}

// window is the slowest like or comment that began after since.
type window struct {
	since time.Time
	took  time.Duration
}

// newStorm makes writers and videos that nobody has touched, and lets the writers go. Its own end is the test's.
func newStorm(t *testing.T, d *harness.Deployment) *storm {
	t.Helper()
	s := &storm{d: d}
	s.pace.Store(int64(pace))
	return startStorm(t, s, writers)
}

// newFlood is a storm of likes and comments only, as fast as they are answered.
func newFlood(t *testing.T, d *harness.Deployment) *storm {
	t.Helper()
	s := &storm{d: d, hot: true}
	s.pace.Store(int64(floodPace))
	return startStorm(t, s, flooders)
}

// startStorm lets so many of the writers go.
func startStorm(t *testing.T, s *storm, active int) *storm {
	t.Helper()
	d := s.d
	s.codes, s.all = map[string]int{}, make([]*writer, writers)
	s.author = d.NewUser(t)
	harness.Parallel(t, 4, func(t testing.TB, i int) {
		for ; i < writers; i += 4 {
			s.all[i] = &writer{
				storm: s, User: d.NewUser(t), n: i, liked: make([]fate, hotVideos), follows: make([]fate, writers),
				rand: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), uint64(i))),
			}
		}
	})
	for i := range hotVideos {
		s.videos = append(s.videos, s.author.Publish(t, fmt.Sprint("hot ", i)))
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	for _, w := range s.all[:active] {
		s.wg.Go(func() { w.run(ctx) })
	}
	t.Cleanup(s.end)
	return s
}

// end waits until every writer has its last answer.
func (s *storm) end() {
	s.stop()
	s.wg.Wait()
}

// total is how many operations of all kinds were acknowledged.
func (s *storm) total() (n int64) {
	for k := range kinds {
		n += s.acked[k].Load()
	}
	return n
}

// more waits until n more operations are acknowledged.
func (s *storm) more(t *testing.T, n int64, within time.Duration) {
	t.Helper()
	goal := s.total() + n
	harness.Eventually(t, within, func() error {
		if have := s.total(); have < goal {
			return fmt.Errorf("%d operations acknowledged, want %d; %v", have, goal, s.failures())
		}
		return nil
	})
}

// heals waits until operations of each kind are acknowledged again, and returns how long that took.
func (s *storm) heals(t *testing.T, within time.Duration) time.Duration {
	t.Helper()
	began := time.Now()
	var before [kinds]int64
	for k := range kinds {
		before[k] = s.acked[k].Load()
	}
	harness.Eventually(t, within, func() error {
		for k := range kinds {
			// More than could have been under way.
			if n := s.acked[k].Load() - before[k]; n <= writers {
				return fmt.Errorf("%d %s acknowledged; %v", n, k, s.failures())
			}
		}
		return nil
	})
	return time.Since(began).Round(10 * time.Millisecond)
}

func (s *storm) failures() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for k, n := range s.codes {
		out[k] = n
	}
	return out
}

// watch begins a new window for the slowest write.
func (s *storm) watch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slowest = window{since: time.Now()}
}

// slowestWrite is the slowest like or comment since watch.
func (s *storm) slowestWrite() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slowest.took.Round(time.Millisecond)
}

// writer is one user who does one thing at a time.
type writer struct {
	*harness.User
	storm *storm
	n     int
	rand  *rand.Rand

	// What it was told; read by others only after the storm.
	liked    []fate // by video
	follows  []fate // by writer
	notes    []*note
	messages []*note
	written  [hotVideos]int // comments that may be there, by video
	doubts   bool           // whether it does not know what became of the last one
}

// peer is whom it chats with.
func (w *writer) peer() *writer { return w.storm.all[w.n^1] }

func (w *writer) run(ctx context.Context) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
			began := time.Now()
			w.doubts = false
			w.act()
			pace := time.Duration(w.storm.pace.Load())
			if w.doubts {
				pace = max(pace, lullPace)
			}
			next.Reset(pace - time.Since(began))
		}
	}
}

// lull runs f while the storm goes on, but slower.
func (s *storm) lull(f func()) {
	old := s.pace.Swap(int64(lullPace))
	defer s.pace.Store(old)
	f()
}

func (w *writer) act() {
	v := w.rand.IntN(hotVideos)
	switch p := w.rand.IntN(100); {
	case p < 8 && w.written[v] < maxComments:
		w.comment(v)
	case p < 12:
		w.uncomment()
	case w.storm.hot:
		w.like(v)
	case p < 20 && len(w.messages) < maxMessages:
		w.send()
	case p < 35:
		w.follow()
	default:
		w.like(v)
	}
}

// outcome is what a writer knows about an operation.
type outcome = harness.Outcome

const (
	unknown = harness.Unknown
	done    = harness.Done
	refused = harness.Refused
)

// do sends one operation and counts its answer.
func (w *writer) do(k kind, path string, pairs ...any) (harness.Answer, outcome, harness.Span) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	when := harness.Span{From: time.Now()}
	a, err := w.Try(ctx, http.MethodPost, path, pairs...)
	when.To = time.Now()
	s := w.storm
	if err == nil && a.Code == 0 {
		s.acked[k].Add(1)
	} else {
		s.failed[k].Add(1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if took := when.To.Sub(when.From); (k == likes || k == comments) && when.From.After(s.slowest.since) && took > s.slowest.took {
		s.slowest.took = took
	}
	switch {
	case err != nil:
		w.doubts = true
		s.codes["no answer"]++
		s.silent = append(s.silent, fmt.Sprintf("%s after %v: %v", path, when.To.Sub(when.From), err))
		return a, unknown, when
	case a.Code == 0:
		return a, done, when
	}
	s.codes[fmt.Sprintf("%s: %d %s", k, a.Code, a.Msg)]++
	if a.Code == errno.CommentNotFound.Code || a.Code == errno.Unavailable.Code && a.Msg == tooBusy {
		s.refused.Add(1)
		return a, refused, when
	}
	w.doubts = true
	return a, unknown, when
}

func action(on bool) int {
	if on {
		return 1
	}
	return 2
}

func (w *writer) like(v int) {
	on := w.rand.IntN(2) == 0
	_, o, when := w.do(likes, harness.PathFavorite, "video_id", w.storm.videos[v].ID, "action_type", action(on))
	w.liked[v].Add(on, o, when)
}

func (w *writer) follow() {
	to := w.rand.IntN(writers - 1)
	if to >= w.n {
		to++
	}
	on := w.rand.IntN(2) == 0
	_, o, when := w.do(follows, harness.PathRelation, "to_user_id", w.storm.all[to].ID, "action_type", action(on))
	w.follows[to].Add(on, o, when)
}

func (w *writer) comment(v int) {
	n := &note{video: v, text: fmt.Sprintf("%s says %d", w.Name, len(w.notes))}
	a, o, _ := w.do(comments, harness.PathComment, "video_id", w.storm.videos[v].ID, "action_type", 1, "comment_text", n.text)
	n.created = o
	if o == done {
		n.id = commentID(a)
	}
	if o != refused {
		w.written[v]++
	}
	w.notes = append(w.notes, n)
}

// uncomment deletes one of its own comments that it knows to be there.
func (w *writer) uncomment() {
	for range 10 {
		if len(w.notes) == 0 {
			return
		}
		n := w.notes[w.rand.IntN(len(w.notes))]
		if n.created != done || n.deletes > 0 {
			continue
		}
		_, o, _ := w.do(comments, harness.PathComment, "video_id", w.storm.videos[n.video].ID, "action_type", 2, "comment_id", n.id)
		if o != refused {
			n.deletes++
			n.deleted = o
		}
		return
	}
}

func (w *writer) send() {
	n := &note{text: fmt.Sprintf("%s writes %d", w.Name, len(w.messages))}
	_, n.created, _ = w.do(messages, harness.PathMessage, "to_user_id", w.peer().ID, "action_type", 1, "content", n.text)
	w.messages = append(w.messages, n)
}
