package indextest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"tiktok/cmd/discovery/index"
)

func position(t *testing.T, e index.Engine, want int64) {
	t.Helper()
	if got, err := e.Position(t.Context()); err != nil || got != want {
		t.Errorf("position %d, %v, want %d", got, err, want)
	}
}

func testApply(t *testing.T, e index.Engine) {
	cats := index.Query{Kind: index.Videos, Text: "cat"}
	dogs := index.Query{Kind: index.Videos, Text: "dog"}
	build(t, e, 10, at(video(1, "cat", 1, nil), 4))
	position(t, e, 10)

	// Added, replaced, removed.
	two := at(video(2, "cat", 2, nil), 11)
	apply(t, e, 20, two)
	position(t, e, 21)
	found(t, e, cats, "2 1")
	apply(t, e, 30, at(video(1, "dog", 1, nil), 25), two)
	found(t, e, cats, "2")
	found(t, e, dogs, "1")
	apply(t, e, 40, gone(at(two, 35)), gone(at(video(3, "", 1, nil), 36)))
	found(t, e, cats, "")

	// Again, and late: the position does not go back, old versions change nothing.
	apply(t, e, 50, two, at(video(1, "cat", 1, nil), 4))
	found(t, e, cats, "")
	found(t, e, dogs, "1")
	must(t, e.Apply(t.Context(), []index.Doc{two}, 20))
	position(t, e, 51)
	settle(t, e, 60)
	found(t, e, cats, "")

	// Several versions of one in a batch: the newest counts, whatever the order is.
	apply(t, e, 70, at(video(5, "cat", 1, nil), 66), at(video(5, "dog", 1, nil), 65),
		gone(at(video(6, "", 1, nil), 67)), at(video(6, "cat", 1, nil), 64))
	found(t, e, cats, "5")
	found(t, e, dogs, "1")

	// It comes back after it was gone.
	apply(t, e, 80, at(two, 75))
	found(t, e, cats, "2 5")

	// A position alone.
	must(t, e.Apply(t.Context(), nil, 90))
	position(t, e, 90)

	// Ranks.
	up := at(video(5, "cat", 1, nil), 95)
	up.Rank = index.VideoRank(up.PublishedMs, 1_000_000_000)
	apply(t, e, 100, up)
	found(t, e, cats, "5 2")

	// Users and tags.
	apply(t, e, 110, at(user(7, 1, "cat"), 105), at(tag("cat", 3), 106))
	found(t, e, index.Query{Kind: index.Users, Text: "cat"}, "7")
	found(t, e, index.Query{Kind: index.Tags, Text: "cat"}, "cat")
	apply(t, e, 120, gone(at(user(7, 1), 115)), gone(at(tag("cat", 3), 116)))
	found(t, e, index.Query{Kind: index.Users, Text: "cat"}, "")
	found(t, e, index.Query{Kind: index.Tags, Text: "cat"}, "")

	// A whole batch.
	var many []index.Doc
	for i := range int64(index.MaxBatch) {
		many = append(many, at(video(1000+i, "bird", i, nil), 130))
	}
	apply(t, e, 130, many...)
	found(t, e, index.Query{Kind: index.Videos, Text: "bird", Limit: 2}, fmt.Sprintf("%d %d", 999+index.MaxBatch, 998+index.MaxBatch))

	info, err := e.Info(t.Context())
	if err != nil || info.Engine == "" || info.Version == "" {
		t.Errorf("info %+v, %v", info, err)
	}
}

func testBuild(t *testing.T, e index.Engine) {
	cats := index.Query{Kind: index.Videos, Text: "cat"}
	build(t, e, 10, video(1, "cat", 1, nil))
	before, err := e.Info(t.Context())
	must(t, err)

	// The old one serves, and takes changes, until the new one is complete.
	b, err := e.Build(t.Context())
	must(t, err)
	must(t, b.Add(t.Context(), []index.Doc{at(video(2, "cat", 2, nil), 30)}))
	found(t, e, cats, "1")
	apply(t, e, 20, at(video(3, "cat", 3, nil), 15))
	found(t, e, cats, "3 1")
	must(t, b.Commit(t.Context(), 12))
	found(t, e, cats, "2")
	position(t, e, 12)
	must(t, b.Abort())
	found(t, e, cats, "2")
	after, err := e.Info(t.Context())
	if err != nil || after.Version == before.Version {
		t.Errorf("version %q after %q, %v", after.Version, before.Version, err)
	}

	// What it has newer than its position stays so.
	apply(t, e, 20, at(video(2, "dog", 2, nil), 19))
	found(t, e, cats, "2")
	apply(t, e, 40, at(video(2, "dog", 2, nil), 35))
	found(t, e, cats, "")

	// Aborted, and left behind.
	b, err = e.Build(t.Context())
	must(t, err)
	must(t, b.Add(t.Context(), []index.Doc{video(5, "cat", 2, nil)}))
	must(t, b.Abort())
	must(t, b.Abort())
	found(t, e, cats, "")
	left, err := e.Build(t.Context())
	must(t, err)
	must(t, left.Add(t.Context(), []index.Doc{video(6, "cat", 2, nil)}))
	b, err = e.Build(t.Context())
	must(t, err)
	must(t, b.Add(t.Context(), []index.Doc{video(7, "cat", 2, nil)}))
	if err := left.Commit(t.Context(), 50); err == nil {
		t.Error("an index that another Build has removed is committed")
	}
	found(t, e, cats, "")
	must(t, b.Commit(t.Context(), 60))
	found(t, e, cats, "7")
	position(t, e, 60)

	// An empty one is one, too.
	build(t, e, 70)
	found(t, e, cats, "")
	position(t, e, 70)
	apply(t, e, 80, at(video(8, "cat", 2, nil), 75))
	found(t, e, cats, "8")
}

func testSums(t *testing.T, e index.Engine) {
	catalogue := map[string]index.Doc{}
	keep := func(docs ...index.Doc) []index.Doc {
		for _, d := range docs {
			if d.Gone {
				delete(catalogue, d.Key())
			} else {
				catalogue[d.Key()] = d
			}
		}
		return docs
	}
	ranges := []index.Range{
		{Kind: index.Videos, From: 0, To: 1 << 62},
		{Kind: index.Videos, From: 0, To: 100},
		{Kind: index.Videos, From: 100, To: 1 << 40},
		{Kind: index.Videos, From: 1 << 50, To: 1 << 62},
		{Kind: index.Users, From: 0, To: 1 << 62},
		{Kind: index.Users, From: 5, To: 6},
	}
	check := func(when string) {
		t.Helper()
		got, err := e.Sums(t.Context(), ranges)
		must(t, err)
		for i, r := range ranges {
			var want index.Sum
			for _, d := range catalogue {
				if d.Kind == r.Kind && d.ID >= r.From && d.ID < r.To {
					want.Docs++
					want.Checksum += d.Checksum()
				}
			}
			if got[i] != want {
				t.Errorf("%s: %+v: %+v, want %+v", when, r, got[i], want)
			}
		}
	}
	var docs []index.Doc
	for i := range int64(200) {
		docs = append(docs, video(i, fmt.Sprintf("video %d 猫", i), i, []string{"a", "b"}, "t", fmt.Sprint(i)))
	}
	docs = append(docs, video(1<<52, "\xff\x00odd", 1, nil), user(5, 1, "u", "U"), user(6, 1, "v"), tag("t", 1))
	build(t, e, 1000, keep(docs...)...)
	check("built")
	apply(t, e, 2000, keep(at(video(5, "another", 5, nil), 1500), gone(at(docs[7], 1501)),
		at(user(9, 1, "w"), 1502), gone(at(user(6, 1), 1503)))...)
	check("changed")
	must(t, e.Apply(t.Context(), []index.Doc{at(video(5, "old", 5, nil), 900), docs[7]}, 2010))
	settle(t, e, 2020)
	check("late")
	var all []index.Doc
	for _, d := range catalogue {
		all = append(all, d)
	}
	build(t, e, 3000, all...)
	check("rebuilt")
}

// testConcurrent: searches never fail or find less while documents change and indexes replace each other.
func testConcurrent(t *testing.T, e index.Engine) {
	docs := make([]index.Doc, 100)
	for i := range docs {
		docs[i] = video(int64(i+1), "cat", int64(i), nil)
	}
	build(t, e, 100, docs...)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				hits, err := e.Search(ctx, index.Query{Kind: index.Videos, Text: "cat", Limit: index.MaxLimit})
				if ctx.Err() == nil && (err != nil || len(hits) != len(docs)) {
					t.Errorf("%d hits, %v", len(hits), err)
					return
				}
				if _, err := e.Position(ctx); ctx.Err() == nil && err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("position: %v", err)
					return
				}
			}
		})
	}
	at := int64(100)
	for range 5 {
		for range 5 {
			at += 100
			changed := make([]index.Doc, len(docs))
			for i := range docs {
				changed[i] = docs[i]
				changed[i].Version = at
			}
			must(t, e.Apply(t.Context(), changed, at))
		}
		build(t, e, at, docs...)
	}
	cancel()
	all.Wait()
}
