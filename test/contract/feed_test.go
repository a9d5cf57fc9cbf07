package contract_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"tiktok/test/harness"
)

// pageSize is the client's.
const pageSize = 30

// pages reads the whole feed the way the app scrolls it: next_time of a page is latest_time of the following one.
func pages(t testing.TB, u *harness.User) []harness.Page {
	t.Helper()
	var all []harness.Page
	for latest := int64(0); ; {
		p := u.Feed(t, latest)
		all = append(all, p)
		if len(p.Videos) == 0 {
			if p.Next != 0 {
				t.Errorf("next_time of an empty page is %d, want 0", p.Next)
			}
			return all
		}
		if p.Next <= 0 || latest > 0 && p.Next >= latest {
			t.Fatalf("next_time %d after latest_time %d", p.Next, latest)
		}
		latest = p.Next
	}
}

// flat are the ids of all pages in order; it fails the test when one comes twice.
func flat(t testing.TB, all []harness.Page) []int64 {
	t.Helper()
	seen := map[int64]int{}
	var ids []int64
	for i, p := range all {
		for _, v := range p.Videos {
			if on, ok := seen[v.ID]; ok {
				t.Errorf("video %d is on page %d and on page %d", v.ID, on, i)
			}
			seen[v.ID] = i
			ids = append(ids, v.ID)
		}
	}
	return ids
}

// testFeedPages publishes 75 videos at once, so that several may come in the same millisecond, and scrolls through them.
func testFeedPages(t *testing.T, d *harness.Deployment) {
	const videos, perAuthor = 75, 15
	authors := d.People(t, videos/perAuthor)
	mark := fmt.Sprint("feed ", time.Now().UnixNano(), " ")
	clip := harness.TestData(t, "tiny.mp4")
	harness.Parallel(t, videos, func(t testing.TB, i int) {
		authors[i/perAuthor].TryPublish(t, mark+fmt.Sprint(i), harness.File{Data: clip}).OK(t)
	})
	published := map[int64]string{}
	for _, a := range authors {
		var mine int
		for _, v := range d.Visitor().Published(t, a.ID) {
			if len(v.Title) > len(mark) && v.Title[:len(mark)] == mark {
				published[v.ID] = v.Title
				mine++
			}
		}
		if mine != perAuthor {
			t.Errorf("%s has published %d videos, the list has %d", a.Name, perAuthor, mine)
		}
	}
	all := pages(t, d.Visitor())
	for i, p := range all {
		if want := pageSize; i < len(all)-2 && len(p.Videos) != want {
			t.Errorf("page %d has %d videos, want %d", i, len(p.Videos), want)
		}
	}
	ids := flat(t, all)
	for id, title := range published {
		if !slices.Contains(ids, id) {
			t.Errorf("video %d (%s) is on no page", id, title)
		}
	}
	t.Run("nothing was published in between: the newest are the new ones", func(t *testing.T) {
		for _, id := range ids[:videos] {
			if _, ok := published[id]; !ok {
				t.Errorf("video %d is older and comes first", id)
			}
		}
	})
	t.Run("authors' lists have the feed's order", func(t *testing.T) {
		for _, a := range authors {
			var in []int64
			for _, v := range d.Visitor().Published(t, a.ID) {
				in = append(in, v.ID)
			}
			if !slices.IsSortedFunc(in, func(x, y int64) int { return slices.Index(ids, x) - slices.Index(ids, y) }) {
				t.Errorf("list of %s: %v, feed: %v", a.Name, in, ids)
			}
		}
	})
	t.Run("a user who is logged in sees the same", func(t *testing.T) {
		if got := flat(t, pages(t, authors[0])); !slices.Equal(got, ids) {
			t.Errorf("got %v, want %v", got, ids)
		}
	})
	t.Run("while others publish nothing is skipped or repeated", func(t *testing.T) {
		author := d.NewUser(t)
		harness.Parallel(t, 2, func(t testing.TB, i int) {
			if i == 0 {
				for n := range 10 {
					author.TryPublish(t, mark+"meanwhile "+fmt.Sprint(n), harness.File{Data: clip}).OK(t)
				}
				return
			}
			for range 3 {
				got := slices.DeleteFunc(flat(t, pages(t, d.Visitor())), func(id int64) bool { return !slices.Contains(ids, id) })
				if !slices.Equal(got, ids) {
					t.Errorf("of the old videos got %v, want %v", got, ids)
				}
			}
		})
	})
}

// testLatestTime: seconds or milliseconds, and whatever cannot be meant is now.
func testLatestTime(t *testing.T, d *harness.Deployment) {
	author := d.NewUser(t)
	for i := range 3 {
		author.Publish(t, fmt.Sprint("time ", i))
	}
	feed := func(t *testing.T, latest string) string {
		t.Helper()
		return string(d.Visitor().Get(t, harness.PathFeed, "latest_time", latest).OK(t).Raw)
	}
	newest := string(d.Visitor().Get(t, harness.PathFeed).OK(t).Raw)
	now := time.Now()
	for _, v := range []string{
		"", "0", "-1", "-1700000000000", "abc", "0x10", "1e", "NaN", "Inf", "1e300", "9999999999999999999999999", "9223372036854775807",
		"'", "今天", " ", "%", "2026-01-01", "1.5", "true", "null", "[]",
		fmt.Sprint(now.Add(time.Hour).Unix()), fmt.Sprint(now.Add(time.Hour).UnixMilli()),
		fmt.Sprint(now.Add(100 * 365 * 24 * time.Hour).UnixMilli()),
		"253402300800000", // the year 10000
	} {
		t.Run("now is "+strconv.Quote(v), func(t *testing.T) {
			if v == "1.5" {
				d.Visitor().Get(t, harness.PathFeed, "latest_time", v).OK(t) // now, or 1970: either is no error
				return
			}
			if got := feed(t, v); got != newest {
				t.Errorf("got %.200s, want the newest page", got)
			}
		})
	}
	t.Run("milliseconds, strictly before", func(t *testing.T) {
		var times []int64 // of the author's videos, found by asking
		first := d.Visitor().Feed(t, 0)
		for latest := first.Next + 1; len(times) < 1; latest++ {
			p := d.Visitor().Feed(t, latest)
			if len(p.Videos) == 0 || p.Videos[0].ID != first.Videos[len(first.Videos)-1].ID {
				t.Fatalf("a millisecond after next_time the last video of the page should be the first")
			}
			times = append(times, latest-1)
		}
		for _, v := range d.Visitor().Feed(t, times[0]).Videos {
			if v.ID == first.Videos[len(first.Videos)-1].ID {
				t.Error("a video is before its own time")
			}
		}
	})
	t.Run("seconds", func(t *testing.T) {
		for s := now.Unix() - 2; s <= now.Unix(); s++ {
			if inSeconds, inMs := feed(t, fmt.Sprint(s)), feed(t, fmt.Sprint(s*1000)); inSeconds != inMs {
				t.Errorf("%d: %.200s, %d: %.200s", s, inSeconds, s*1000, inMs)
			}
		}
	})
	t.Run("before everything", func(t *testing.T) {
		for _, v := range []string{"1", "1000000000", "1000000000000", "100000000000"} { // 1970, 2001, 2001, 1973
			a := d.Visitor().Get(t, harness.PathFeed, "latest_time", v).OK(t)
			requireShape(t, enveloped(object{"video_list": listOf{videoShape()}, "next_time": leaf(zero)}), a.Body, false)
			if l, ok := a.Body["video_list"].([]any); !ok || len(l) != 0 {
				t.Errorf("latest_time %s gives %d videos", v, len(l))
			}
		}
	})
}
