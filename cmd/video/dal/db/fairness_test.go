package db

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// bench is a store with work, and a worker that takes it up.
type bench struct {
	*Store
	t   *testing.T
	ids int64
}

// give publishes videos of an author that wait in a lane, each lasting so many seconds in 720p.
func (b *bench) give(author int64, lane, n int, seconds int64) {
	b.t.Helper()
	for range n {
		b.ids++
		m := Media{
			VideoID: b.ids, AuthorID: author, Title: "t", State: StateUploaded, Listed: 1, Pending: 1, Plan: StepHLS, Todo: StepHLS, Lane: lane,
			DueMs:      1,
			DurationMs: seconds * 1000, WidthPx: 720, HeightPx: 1280,
		}
		v := Video{ID: b.ids, AuthorID: author, Title: "t", PlayKey: fmt.Sprint("p", b.ids), CoverKey: "c", PublishedAtMs: b.ids}
		if _, _, err := b.Publish(b.t.Context(), v, m, Quota{}, nil); err != nil {
			b.t.Fatal(err)
		}
	}
}

// claim claims n rows of a lane and returns their authors.
func (b *bench) claim(lane, n int, except int64) (authors []int64, rows []Media) {
	b.t.Helper()
	for i := range n {
		m, former, ok, err := b.Claim(b.t.Context(), Wanted{Lane: lane, Except: except, UntilMs: 1_000_000, Token: fmt.Sprint("w", i)}, 1000)
		if err != nil || former != "" {
			b.t.Fatal(former, err)
		}
		if !ok {
			return authors, rows
		}
		authors, rows = append(authors, m.AuthorID), append(rows, m)
	}
	return authors, rows
}

func (b *bench) want(lane, n int, except int64, want ...int64) []Media {
	b.t.Helper()
	got, rows := b.claim(lane, n, except)
	if !slices.Equal(got, want) {
		b.t.Errorf("claimed of authors %v, want %v", got, want)
	}
	return rows
}

func eachBench(t *testing.T, fn func(t *testing.T, b *bench)) {
	t.Helper()
	sqldbtest.Each(t, "video", Migrations(), func(t *testing.T, d *sqldb.DB) { fn(t, &bench{Store: New(d), t: t}) })
}

// One author's hundred uploads do not come before another's one.
func TestTurns(t *testing.T) {
	eachBench(t, func(t *testing.T, b *bench) {
		b.give(1, LaneImprove, 100, 10)
		b.want(LaneImprove, 3, 0, 1, 1, 1)
		b.give(2, LaneImprove, 1, 10) // comes later and is next
		b.give(3, LaneImprove, 3, 10)
		got, _ := b.claim(LaneImprove, 6, 0)
		slices.Sort(got)
		if !slices.Equal(got, []int64{1, 1, 2, 3, 3, 3}) {
			t.Errorf("claimed of authors %v, want one of 2, and as many of 1 and 3 in turn", got)
		}
		b.give(2, LaneImprove, 1, 10)
		b.want(LaneImprove, 1, 0, 2) // who has been idle has not saved anything up, and owes nothing
		b.want(LaneTranscode, 1, 0)  // nothing: another lane
	})
}

// Turns are by how much work it is: one long video weighs as much as many short ones.
func TestTurnsAreByWork(t *testing.T) {
	eachBench(t, func(t *testing.T, b *bench) {
		b.give(1, LaneTranscode, 3, 600)
		b.give(2, LaneTranscode, 30, 9)
		first, _ := b.claim(LaneTranscode, 31, 0)
		ones := 0
		for _, author := range first {
			if author == 1 {
				ones++
			}
		}
		if ones != 1 {
			t.Errorf("%d of three long videos were taken up before thirty short ones, want 1", ones)
		}
		b.want(LaneTranscode, 5, 0, 1, 1)
	})
}

// What waits for another attempt keeps its turn; what a worker has is not taken twice; an author can be left out.
func TestClaim(t *testing.T) {
	eachBench(t, func(t *testing.T, b *bench) {
		b.give(1, LaneImprove, 2, 10)
		b.give(2, LaneImprove, 1, 10)
		first := b.want(LaneImprove, 1, 2, 1)[0]
		if first.Hold != 1 || first.Attempts != 1 || first.Token != "w0" || first.State != StateProcessing {
			t.Errorf("claimed %+v", first)
		}
		if err := b.Retry(t.Context(), first, 1000, 1001); err != nil {
			t.Fatal(err)
		}
		second := b.want(LaneImprove, 1, 1, 2)[0]
		if err := b.Release(t.Context(), second, 1000); err != nil {
			t.Fatal(err)
		}
		if again := b.want(LaneImprove, 1, 1, 2)[0]; again.Turn != second.Turn || again.Attempts != 1 {
			t.Errorf("claimed %+v after %+v was let go", again, second)
		}
		if last := b.want(LaneImprove, 5, 0, 1)[0]; last.VideoID == first.VideoID {
			t.Error("taken up before its pause has ended")
		}
		m, _, ok, err := b.Claim(t.Context(), Wanted{Lane: LaneImprove, UntilMs: 2_000_000, Token: "later"}, 1001)
		if err != nil || !ok || m.VideoID != first.VideoID || m.Attempts != 2 || m.Turn != first.Turn {
			t.Errorf("%+v, %v, %v", m, ok, err)
		}
		// A worker that is no more: its rows are taken up when their leases end.
		m, former, ok, err := b.Claim(t.Context(), Wanted{Lane: LaneImprove, UntilMs: 3_000_000, Token: "next"}, 1_500_000)
		if err != nil || !ok || !strings.HasPrefix(former, "w") {
			t.Errorf("%+v of %q, %v, %v", m, former, ok, err)
		}
	})
}

// A step that is done may leave others that have their turn in another lane.
func TestFinishQueues(t *testing.T) {
	eachBench(t, func(t *testing.T, b *bench) {
		b.give(1, LaneImprove, 1, 600)
		b.give(2, LaneCover, 1, 600)
		if err := b.Write.Exec("UPDATE video_media SET plan = 14, todo = 14 WHERE author_id = 2").Error; err != nil {
			t.Fatal(err)
		}
		m := b.want(LaneCover, 1, 0, 2)[0]
		next, err := b.Finish(t.Context(), m, Done{Step: StepCover, Key: "made", NowMs: 900})
		if err != nil || next.Token != "" || next.Lane != LaneImprove || next.Hold != 0 || next.Todo != StepPreview|StepHLS || next.DueMs != 900 {
			t.Fatalf("%+v, %v", next, err)
		}
		work, err := b.CountWork(t.Context())
		if err != nil || work[LaneImprove] != (Work{LaneImprove, 2, 1}) || work[LaneCover] != (Work{LaneCover, 0, Never}) {
			t.Errorf("%+v, %v", work, err)
		}
		got, _ := b.claim(LaneImprove, 3, 0)
		slices.Sort(got)
		if !slices.Equal(got, []int64{1, 2}) {
			t.Errorf("claimed of authors %v", got)
		}
	})
}

// Videos that were uploaded when nothing could be made of them are found, each once, and no others.
func TestBackfillPlans(t *testing.T) {
	eachBench(t, func(t *testing.T, b *bench) {
		b.give(1, LaneImprove, 8, 10)
		for id, set := range map[int]string{
			1: "plan = 0, todo = 0, lane = 0, cover_drawn = 1, source_key = 'p1'",
			2: "plan = 0, todo = 0, lane = 0, cover_drawn = 0, source_key = 'p2'",
			3: "plan = 1, todo = 0, lane = 0, cover_drawn = 1, source_key = ''", // transcoded, and nothing else
			4: "plan = 6, todo = 0, lane = 0, source_key = 'p4'",                // all but the ladder
			5: "plan = 14, todo = 0, lane = 0",                                  // ready
			6: "plan = 12, todo = 8, lane = 0, state = 4",                       // has failed
			7: "plan = 0, todo = 0, lane = 0, listed = 0",
			8: "plan = 1, todo = 1, lane = 2", // waits
		} {
			if err := b.Write.Exec(fmt.Sprintf("UPDATE video_media SET state = 3, pending = 0, hold = 0, %s WHERE video_id = %d",
				set, id)).Error; err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []int64{3, 1, 0} {
			if n, err := b.Backfill(t.Context(), allSteps, 500, 3); err != nil || n != want {
				t.Errorf("%d are queued, %v, want %d", n, err, want)
			}
		}
		var rows []Media
		if err := b.Read.Where("lane = ?", LaneBackfill).Order("video_id").Find(&rows).Error; err != nil {
			t.Fatal(err)
		}
		got := map[int64]string{}
		for _, m := range rows {
			got[m.VideoID] = fmt.Sprintf("%d %d %s %d", m.Plan, m.Todo, m.SourceKey, m.DueMs)
		}
		want := map[int64]string{1: "14 14 p1 500", 2: "12 12 p2 500", 3: "14 14 p3 500", 4: "14 8 p4 500"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("queued\n%v, want\n%v", got, want)
		}
		if n, err := b.Backfill(t.Context(), StepCover, 500, 3); err != nil || n != 0 {
			t.Errorf("%d, %v: tools that make neither preview nor ladder", n, err)
		}
	})
}
