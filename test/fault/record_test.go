package fault_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/test/harness"
)

// settles bounds how long after a storm the last accepted events are stored and shown.
const settles = 30 * time.Second

// fate is what a writer knows about one thing that is on or off: a like, a follow.
type fate = harness.Fate

// note is a comment or a message.
type note struct {
	video   int
	text    string
	id      int64
	created outcome
	deletes int // tries that were not refused
	deleted outcome
}

// commentID is the id in the answer to a new comment, 0 when there is none.
func commentID(a harness.Answer) int64 {
	var got struct {
		Comment struct {
			ID int64 `json:"id"`
		} `json:"comment"`
	}
	if err := json.Unmarshal(a.Raw, &got); err != nil {
		return 0
	}
	return got.Comment.ID
}

// report compares what the writers were told with what the API shows.
type report struct {
	acknowledged, stored, lost, doubled, refused, unknown int
	wrong                                                 []string
}

func (r *report) errorf(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

func (r *report) err() error {
	if r.lost == 0 && r.doubled == 0 && len(r.wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%v: %q", r, r.wrong[:min(len(r.wrong), 12)])
}

func (r *report) String() string {
	return fmt.Sprintf("acknowledged %d, stored %d, lost %d, doubled %d, refused %d (unknown %d)",
		r.acknowledged, r.stored, r.lost, r.doubled, r.refused, r.unknown)
}

// tableEnv names the file that gets a line of every scenario. test/fault/run.sh prints it at the end.
const tableEnv = "TIKTOK_FAULT_TABLE"

// print says what became of a scenario, in the test's log and in the table.
func (r *report) print(t *testing.T) {
	t.Helper()
	t.Logf("%v", r)
	name := os.Getenv(tableEnv)
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, scenario, _ := strings.Cut(t.Name(), "/")
	_, err = fmt.Fprintf(f, "%-72s %12d %9d %6d %8d %8d %8d\n", strings.ReplaceAll(cmp.Or(scenario, t.Name()), "_", " "),
		r.acknowledged, r.stored, r.lost, r.doubled, r.refused, r.unknown)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// fate counts one thing that the store shows as on or off.
func (r *report) fate(what string, f *fate, on bool) {
	r.acknowledged += f.Acked
	r.stored += f.Acked
	if len(f.Open) > 0 {
		r.unknown++
	}
	if !f.Allows(on) {
		r.lost++
		r.stored--
		r.errorf("%s is %v, the last answer said %v; refused since then: %v", what, on, f.On, f.Denied)
	}
}

// note counts one text that the store shows so many times.
func (r *report) note(what string, n *note, times int) {
	ops := 0
	if n.created == done {
		ops++
	}
	if n.deletes > 0 && n.deleted == done {
		ops++
	}
	r.acknowledged += ops
	r.stored += ops
	if n.created == unknown || n.deletes > 0 && n.deleted == unknown {
		r.unknown++
	}
	switch {
	case times > 0 && n.created == refused:
		r.doubled++
		r.errorf("%s %q is there although it was refused", what, n.text)
	case times > 1:
		r.doubled++
		r.errorf("%s %q is there %d times", what, n.text, times)
	case n.created == done && n.deletes == 0 && times == 0:
		r.lost++
		r.stored--
		r.errorf("%s %q is lost", what, n.text)
	case n.deletes > 0 && n.deleted == done && times != 0:
		r.lost++
		r.stored--
		r.errorf("%s %q is there again after it was deleted", what, n.text)
	}
}

// verify ends the storm, waits until everything that was acknowledged is there, and prints the figures.
func (s *storm) verify(t *testing.T) {
	t.Helper()
	s.end()
	began := time.Now()
	last := &report{}
	defer func() {
		last.print(t)
		var by []string
		for k := range kinds {
			by = append(by, fmt.Sprintf("%s %d/%d", k, s.acked[k].Load(), s.failed[k].Load()))
		}
		t.Logf("acknowledged/failed: %v, failures %v, settled after %v", by, s.failures(), time.Since(began).Round(10*time.Millisecond))
	}()
	harness.Eventually(t, settles, func() error {
		last = s.compare(t)
		return errors.Join(last.err(), s.d.Recount(t.Context()))
	})
}

// answered fails the test when a request had no answer with an envelope although the gateway was there.
func (s *storm) answered(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.silent) > 0 {
		t.Errorf("%d requests had no answer, e.g. %q", len(s.silent), s.silent[:min(len(s.silent), 5)])
	}
}

// compare reads everything that the API shows of the storm.
func (s *storm) compare(t *testing.T) *report {
	t.Helper()
	r := &report{refused: int(s.refused.Load())}
	seen := make([]sight, writers)
	harness.Parallel(t, 4, func(t testing.TB, i int) {
		for ; i < writers; i += 4 {
			seen[i] = s.all[i].look(t)
		}
	})
	s.compareLikes(t, r, seen)
	s.compareComments(t, r)
	s.compareFollows(r, seen)
	for i, w := range s.all {
		w.compareMessages(r, seen[i].chat, seen[w.peer().n].chat)
	}
	return r
}

// sight is what one writer sees.
type sight struct {
	self                 harness.Card
	favorites            map[int64]bool
	videos               map[int64]harness.Video
	following, followers map[int64]bool
	chat                 []harness.Message
}

func (w *writer) look(t testing.TB) sight {
	g := sight{
		self: w.Profile(t, 0), favorites: map[int64]bool{}, videos: map[int64]harness.Video{},
		following: map[int64]bool{}, followers: map[int64]bool{},
	}
	for _, v := range w.Favorites(t, w.ID) {
		g.favorites[v.ID] = true
	}
	for _, v := range w.Published(t, w.storm.author.ID) {
		g.videos[v.ID] = v
	}
	for _, c := range w.Following(t, w.ID) {
		g.following[c.ID] = true
	}
	for _, c := range w.Followers(t, w.ID) {
		g.followers[c.ID] = true
	}
	g.chat = w.Chat(t, w.peer().ID, 0)
	return g
}

func (s *storm) compareLikes(t testing.TB, r *report, seen []sight) {
	var total int64
	for v, video := range s.videos {
		var count int64
		for i, w := range s.all {
			on := seen[i].favorites[video.ID]
			r.fate(fmt.Sprintf("%s likes video %d", w.Name, v), &w.liked[v], on)
			if on {
				count++
			}
			if seen[i].videos[video.ID].IsFavorite != on {
				r.errorf("%s: is_favorite of video %d is %v, the list says %v", w.Name, v, !on, on)
			}
		}
		for i, w := range s.all {
			if n := seen[i].videos[video.ID].FavoriteCount; n != count {
				r.errorf("%s sees %d likes of video %d, %d users like it", w.Name, n, v, count)
			}
		}
		total += count
	}
	for i, w := range s.all {
		if n := seen[i].self.FavoriteCount; n != int64(len(seen[i].favorites)) {
			r.errorf("%s likes %d videos, the list has %d", w.Name, n, len(seen[i].favorites))
		}
	}
	if n := s.d.Visitor().Profile(t, s.author.ID).TotalFavorited; n != total {
		r.errorf("the author has %d likes, want %d", n, total)
	}
}

func (s *storm) compareComments(t testing.TB, r *report) {
	for v, video := range s.videos {
		list := s.author.Comments(t, video.ID)
		times, ids := map[string]int{}, map[string]int64{}
		for _, c := range list {
			times[c.Content]++
			ids[c.Content] = c.ID
		}
		for _, w := range s.all {
			for _, n := range w.notes {
				if n.video != v {
					continue
				}
				r.note("comment", n, times[n.text])
				if id := ids[n.text]; id != 0 && n.id != 0 && id != n.id {
					r.errorf("comment %q has id %d, answered was %d", n.text, id, n.id)
				}
				delete(times, n.text)
			}
		}
		for text := range times {
			r.errorf("comment %q: nobody wrote it below video %d", text, v)
		}
		for _, x := range s.author.Published(t, s.author.ID) {
			if x.ID == video.ID && x.CommentCount != int64(len(list)) {
				r.errorf("video %d has %d comments, the list has %d", v, x.CommentCount, len(list))
			}
		}
	}
}

func (s *storm) compareFollows(r *report, seen []sight) {
	for i, w := range s.all {
		for j, to := range s.all {
			if i == j {
				continue
			}
			on := seen[i].following[to.ID]
			r.fate(fmt.Sprintf("%s follows %s", w.Name, to.Name), &w.follows[j], on)
			if seen[j].followers[w.ID] != on {
				r.errorf("%s follows %s: %v, among the followers: %v", w.Name, to.Name, on, !on)
			}
		}
		if g := seen[i]; g.self.FollowCount != int64(len(g.following)) || g.self.FollowerCount != int64(len(g.followers)) {
			r.errorf("%s: counters %d and %d, lists %d and %d", w.Name, g.self.FollowCount, g.self.FollowerCount, len(g.following), len(g.followers))
		}
	}
}

// compareMessages looks at what w has sent, as both sides see it.
func (w *writer) compareMessages(r *report, mine, theirs []harness.Message) {
	texts := func(list []harness.Message) (sent []string, times map[string]int) {
		times = map[string]int{}
		for _, m := range list {
			if m.FromUserID == w.ID {
				sent = append(sent, m.Content)
				times[m.Content]++
			}
		}
		return sent, times
	}
	sent, times := texts(mine)
	other, _ := texts(theirs)
	if !slices.Equal(sent, other) {
		r.errorf("%s has sent %d messages, the peer sees %d", w.Name, len(sent), len(other))
	}
	var order []string
	for _, n := range w.messages {
		r.note("message", n, times[n.text])
		if times[n.text] > 0 {
			order = append(order, n.text)
		}
		delete(times, n.text)
	}
	for text := range maps.Keys(times) {
		r.errorf("message %q: nobody wrote it", text)
	}
	// One after the other was sent, but a failed one may arrive late.
	acknowledged := !slices.ContainsFunc(w.messages, func(n *note) bool { return n.created != done })
	if len(order) == len(sent) && acknowledged && !slices.Equal(order, sent) {
		r.errorf("messages of %s are out of order", w.Name)
	}
}

// during repeats check, one after the other, for so long, and returns how often.
func during(ctx context.Context, d time.Duration, check func()) (n int) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for ctx.Err() == nil {
		check()
		n++
	}
	return n
}
