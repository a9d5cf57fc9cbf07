package service_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/cmd/video/dal/db"
	"tiktok/cmd/video/service"
	"tiktok/kitex_gen/video"
)

// gate records who begins a step, and lets nobody go on before it is opened.
type gate struct {
	step string
	mu   sync.Mutex
	in   []string // titles, in order
	open chan struct{}
}

// gate makes a step wait, until its context ends or the gate is opened.
func (f *tools) gate(step string) *gate {
	g := &gate{step: step, open: make(chan struct{})}
	f.on(func(ctx context.Context, s, source string) error {
		if s != step {
			return nil
		}
		g.mu.Lock()
		g.in = append(g.in, strings.TrimSuffix(source[strings.LastIndexByte(source, '/')+1:], ".mp4"))
		g.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-g.open:
			return nil
		}
	})
	return g
}

func (g *gate) began() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.in)
}

// Twenty uploads of one person do not delay another's, whoever works on them.
func TestManyUploadsDelayNobody(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		one := func(d *service.MediaDeps) { d.Workers = 1 }
		a := l.start(one)
		g := l.tools.gate("transcode")
		for i := range 20 {
			a.upload(1, title("many", i), unplayable)
		}
		b := l.start(one)
		eventually(t, "both to work", func() bool { return len(g.began()) == 2 })
		b.upload(2, "single", unplayable)
		close(g.open)
		a.done(2)
		a.done(1)
		if at := slices.Index(g.began(), "single"); at < 0 || at > 3 { // next, but for what the other took up at the same moment
			t.Errorf("the single upload came as number %d: %v", at+1, g.began())
		}
		l.tools.check(t)
	})
}

// One person does not get all workers of a process, even while nobody else wants one: jobs are long.
func TestOneWorkerIsKeptForOthers(t *testing.T) {
	l := sqliteLab(t)
	r := l.start(func(d *service.MediaDeps) { d.Workers = 3 })
	g := l.tools.gate("hls")
	for i := range 5 {
		r.upload(1, title("many", i))
	}
	eventually(t, "two to begin", func() bool { return len(g.began()) == 2 })
	r.upload(2, "other")
	eventually(t, "the other to begin", func() bool { return slices.Contains(g.began(), "other") })
	if in := g.began(); len(in) != 3 {
		t.Errorf("under way are %v", in)
	}
	close(g.open)
	r.done(1)
	r.done(2)
}

// Covers are taken while all workers are busy with what takes long.
func TestCoversWaitForNoLadder(t *testing.T) {
	l := sqliteLab(t)
	r := l.start(func(d *service.MediaDeps) { d.Workers = 1 })
	g := l.tools.gate("hls")
	r.upload(1, "ladder")
	eventually(t, "the ladder to begin", func() bool { return len(g.began()) == 1 })
	p := r.upload(2, "covered", drawn).Video
	eventually(t, "the cover", func() bool { return r.listed(2, p.Id).CoverKey != p.CoverKey })
	if m := l.row(p.Id); m.Todo != db.StepPreview|db.StepHLS || m.Lane != db.LaneImprove || m.Hold != 0 || m.Token != "" {
		t.Errorf("row: %+v", m)
	}
	// What nobody sees yet comes before ladders that have waited for longer.
	r.upload(3, "unseen", unplayable)
	entered := l.tools.gate("transcode")
	close(g.open)
	eventually(t, "the transcode to begin", func() bool { return len(entered.began()) == 1 })
	if m := l.row(p.Id); m.Todo&db.StepHLS == 0 {
		t.Error("the ladder of a video that plays came before one that nobody sees")
	}
	close(entered.open)
	for author := range int64(3) {
		r.done(author + 1)
	}
}

// What was uploaded without ffmpeg gets what it lacks once that is there, a few at a time, and again nothing.
func TestBackfill(t *testing.T) {
	eachLab(t, func(t *testing.T, l *lab) {
		l.auditing()
		all := l.tools.steps
		l.tools.steps = 0
		without, _ := l.replica()
		const videos, most = 7, 2
		for i := range videos {
			without.upload(1, title("clip", i), drawn)
		}
		own := without.upload(2, "own").Video
		l.tools.steps = all
		quiet := func(d *service.MediaDeps) { d.Background = false }
		late := l.start(quiet)
		moved := late.upload(3, "moved", unplayable).Video
		late.done(3)
		late.stop()
		if v := late.listed(3, moved.Id); v == nil || v.HlsKey != "" {
			t.Fatalf("%v", v)
		}
		waiting := func() int64 {
			work, err := l.store.CountWork(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return work[db.LaneBackfill].Rows
		}
		var over atomicMax
		l.tools.on(func(context.Context, string, string) error { over.see(waiting()); return nil })
		r := l.start(func(d *service.MediaDeps) { d.Backfill, d.BackfillEvery = most, 5*time.Millisecond })
		complete := func(author int64) bool {
			list, err := r.ListByAuthor(t.Context(), &video.ListByAuthorRequest{AuthorId: author, Fresh: true})
			if err != nil {
				t.Fatal(err)
			}
			return !slices.ContainsFunc(list.Videos, func(v *video.Video) bool { return v.HlsKey == "" || v.PreviewKey == "" })
		}
		eventually(t, "all to be complete", func() bool { return complete(1) && complete(2) && complete(3) && waiting() == 0 })
		if over.max > most {
			t.Errorf("%d waited at once, want %d at most", over.max, most)
		}
		for _, author := range []int64{1, 2, 3} {
			eventually(t, "the caches to hear of it", func() bool { return r.fresh(author) })
		}
		if v := r.listed(2, own.Id); v.CoverKey != own.CoverKey {
			t.Error("a cover that is a frame was replaced")
		}
		l.tools.mu.Lock()
		for what, n := range l.tools.calls {
			if n != 1 {
				t.Errorf("%s was done %d times", what, n)
			}
		}
		if n := l.tools.calls["cover videos/ab/clip0.mp4"]; n != 1 {
			t.Errorf("%d covers were taken of what had a drawn one", n)
		}
		l.tools.mu.Unlock()
		// Nothing is left of a video that is deleted, whichever way it came.
		for author, id := range map[int64]int64{2: own.Id, 3: moved.Id} {
			if _, err := r.DeleteVideo(t.Context(), &video.DeleteVideoRequest{AuthorId: author, VideoId: id}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the row to go", func() bool { return l.row(id) == nil })
			if left := slices.DeleteFunc(l.objects(), func(k string) bool { return !strings.Contains(k, fmt.Sprint("/", id, "/")) }); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	})
}

// atomicMax keeps the largest number that it has seen.
type atomicMax struct {
	mu  sync.Mutex
	max int64
}

func (a *atomicMax) see(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.max = max(a.max, n)
}
