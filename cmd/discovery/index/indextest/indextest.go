// Package indextest is the conformance suite of search engines.
package indextest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/discovery/index"
)

// Open opens an engine that has no index yet, and closes it at the end of the test.
type Open func(t *testing.T) index.Engine

// Run holds an engine to what index.Engine promises.
func Run(t *testing.T, open Open) {
	t.Run("Fits", func(t *testing.T) { testFits(t, open(t)) })
	t.Run("Order", func(t *testing.T) { testOrder(t, open(t)) })
	t.Run("Pages", func(t *testing.T) { testPages(t, open(t)) })
	t.Run("Hostile", func(t *testing.T) { testHostile(t, open(t)) })
	t.Run("Bad", func(t *testing.T) { testBad(t, open(t)) })
	t.Run("Apply", func(t *testing.T) { testApply(t, open(t)) })
	t.Run("Build", func(t *testing.T) { testBuild(t, open(t)) })
	t.Run("Sums", func(t *testing.T) { testSums(t, open(t)) })
	t.Run("Concurrent", func(t *testing.T) { testConcurrent(t, open(t)) })
}

const patience = 10 * time.Second

// video is a document of a title, its rank as if it was published on that day.
func video(id int64, title string, day int64, names []string, tags ...string) index.Doc {
	at := day * 86_400_000
	return index.Doc{
		Kind: index.Videos, ID: id, Version: id, Title: title, AuthorID: id % 10, AuthorNames: names, Tags: tags,
		PublishedMs: at, Rank: index.VideoRank(at, 0),
	}
}

func user(id int64, followers int64, names ...string) index.Doc {
	return index.Doc{Kind: index.Users, ID: id, Version: id, Names: names, Rank: index.PopularityRank(followers)}
}

func tag(name string, videos int64) index.Doc {
	return index.Doc{Kind: index.Tags, Tag: name, Version: 1, Rank: index.PopularityRank(videos)}
}

func gone(d index.Doc) index.Doc {
	return index.Doc{Kind: d.Kind, ID: d.ID, Tag: d.Tag, Version: d.Version, Gone: true}
}

func at(d index.Doc, version int64) index.Doc {
	d.Version = version
	return d
}

// build makes the documents the index that serves.
func build(t *testing.T, e index.Engine, position int64, docs ...index.Doc) {
	t.Helper()
	b, err := e.Build(t.Context())
	must(t, err)
	for part := range slices.Chunk(docs, index.MaxBatch) {
		must(t, b.Add(t.Context(), part))
	}
	must(t, b.Commit(t.Context(), position))
}

// apply applies the documents, and returns when they are found: a tag that nothing else looks for is applied with them.
func apply(t *testing.T, e index.Engine, position int64, docs ...index.Doc) {
	t.Helper()
	must(t, e.Apply(t.Context(), docs, position))
	settle(t, e, position)
}

func settle(t *testing.T, e index.Engine, position int64) {
	t.Helper()
	position += settleBy
	mark := fmt.Sprintf("zzmark%d", position)
	must(t, e.Apply(t.Context(), []index.Doc{{Kind: index.Tags, Tag: mark, Version: position}}, position))
	found(t, e, index.Query{Kind: index.Tags, Text: mark}, mark)
}

// settleBy is how many positions apply takes for itself.
const settleBy = 1

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ids are hits as text: the id or the tag.
func ids(hits []index.Hit) string {
	var out []string
	for _, h := range hits {
		if h.Tag != "" {
			out = append(out, h.Tag)
		} else {
			out = append(out, fmt.Sprint(h.ID))
		}
	}
	return strings.Join(out, " ")
}

func search(t *testing.T, e index.Engine, q index.Query) string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = index.MaxLimit
	}
	hits, err := e.Search(t.Context(), q)
	if err != nil {
		t.Fatalf("search for %q: %v", q.Text, err)
	}
	return ids(hits)
}

// found waits until a query finds what it shall, in order.
func found(t *testing.T, e index.Engine, q index.Query, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got := search(t, e, q)
		if got == want {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("search for %q finds %q, want %q", q.Text, got, want)
		}
	}
}

// same checks the set of what a query finds.
func same(t *testing.T, e index.Engine, q index.Query, want string) {
	t.Helper()
	sorted := func(s string) []string {
		f := strings.Fields(s)
		slices.Sort(f)
		return f
	}
	if got := search(t, e, q); !slices.Equal(sorted(got), sorted(want)) {
		t.Errorf("kind %d, text %q (complete: %v): found %q, want %q", q.Kind, q.Text, q.Complete, got, want)
	}
}

func testBad(t *testing.T, e index.Engine) {
	none := func(err error, what string) {
		t.Helper()
		if !errors.Is(err, index.ErrNoIndex) {
			t.Errorf("%s without an index: %v", what, err)
		}
	}
	good := index.Query{Kind: index.Videos, Text: "cat", Limit: 10}
	_, err := e.Search(t.Context(), good)
	none(err, "search")
	_, err = e.Position(t.Context())
	none(err, "position")
	_, err = e.Sums(t.Context(), []index.Range{{Kind: index.Videos, From: 0, To: 10}})
	none(err, "sums")
	none(e.Apply(t.Context(), []index.Doc{video(1, "cat", 1, nil)}, 1), "apply")

	docs := make([]index.Doc, 30)
	for i := range docs {
		docs[i] = video(int64(i+1), "cat", 1, nil)
	}
	build(t, e, 1, docs...)
	for name, bad := range map[string]index.Query{
		"kind":   {Kind: 9, Text: "cat", Limit: 10},
		"text":   {Kind: index.Videos, Text: "", Limit: 10},
		"long":   {Kind: index.Videos, Text: strings.Repeat("猫", index.MaxText+1), Limit: 10},
		"limit":  {Kind: index.Videos, Text: "cat", Limit: index.MaxLimit + 1},
		"none":   {Kind: index.Videos, Text: "cat", Limit: 0},
		"cursor": {Kind: index.Videos, Text: "cat", Limit: 10, After: "x"},
		"base64": {Kind: index.Videos, Text: "cat", Limit: 10, After: "AAAAAAAAAAAAAAAAAAAAAAAA"},
		"bytes":  {Kind: index.Videos, Text: "cat", Limit: 10, After: "\x00\xff\xfe"},
		"json":   {Kind: index.Videos, Text: "cat", Limit: 10, After: `["a",{}]`},
		"huge":   {Kind: index.Videos, Text: "cat", Limit: 10, After: strings.Repeat("A", 1<<16)},
	} {
		if _, err := e.Search(t.Context(), bad); !errors.Is(err, index.ErrBadQuery) {
			t.Errorf("%s: %v, want ErrBadQuery", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Search(ctx, good); err == nil {
		t.Error("a search whose context has ended succeeds")
	}
}
