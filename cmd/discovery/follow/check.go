package follow

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/index"
	"tiktok/pkg/lifecycle"
)

const (
	// checkRanges is how many ranges are asked of an engine at once. An engine may read all documents for each call.
	checkRanges = 1000
	// settle is how long a difference has to stay: engines may find what they have applied up to a second later.
	settle = 1500 * time.Millisecond
	// maxReported bounds the differences that a check names.
	maxReported = 100
)

// Checking is what a check tells.
type Checking struct {
	// Report hears of each difference, up to maxReported.
	Report func(format string, args ...any)
	// Progress hears how many documents of how many were compared; nil: nobody wants to know.
	Progress func(done, total int64)
}

// Check compares an index with the catalogue, by ranges of ids, and finds the documents that are missing, too many, or of other content.
// What the index does not claim to have, because it changed after its position, is no difference. Tags are not compared: their documents
// are nothing but themselves. It changes nothing, and may run while both change.
func Check(ctx context.Context, store *db.Store, e index.Engine, c Checking) (wrong int, err error) {
	total, err := store.CatalogueSize(ctx)
	if err != nil {
		return 0, err
	}
	k := checker{store: store, engine: e, Checking: c, total: total}
	for _, kind := range []index.Kind{index.Videos, index.Users} {
		if err := k.kind(ctx, kind); err != nil {
			return k.wrong, err
		}
	}
	if k.wrong > maxReported {
		c.Report("and %d more: build the index again", k.wrong-maxReported)
	}
	return k.wrong, nil
}

type checker struct {
	Checking
	store       *db.Store
	engine      index.Engine
	done, total int64
	wrong       int
}

// part is a range of ids, with what the catalogue has there.
type part struct {
	index.Range
	sum index.Sum
}

// row is a document of the catalogue; Gone when it is only known to be gone.
type row struct{ index.Doc }

func (r row) sum() index.Sum {
	if r.Gone {
		return index.Sum{}
	}
	return index.Sum{Docs: 1, Checksum: r.Checksum()}
}

// rows reads up to limit rows of a kind with ids from from on, also of what is gone.
func (k *checker) rows(ctx context.Context, kind index.Kind, from int64, limit int) ([]row, error) {
	var out []row
	if kind == index.Videos {
		videos, err := k.store.AllVideosFrom(ctx, from, limit)
		for _, v := range videos {
			out = append(out, row{videoDoc(v)})
		}
		return out, err
	}
	users, err := k.store.AllUsersFrom(ctx, from, limit)
	for _, u := range users {
		out = append(out, row{userDoc(u)})
	}
	return out, err
}

// kind compares all documents of a kind, in ranges of as many as a batch has.
func (k *checker) kind(ctx context.Context, kind index.Kind) error {
	var parts []part
	next := int64(0)
	for next < math.MaxInt64 {
		rows, err := k.rows(ctx, kind, next, batch)
		if err != nil {
			return err
		}
		p := part{Range: index.Range{Kind: kind, From: next, To: math.MaxInt64}}
		if len(rows) == batch {
			p.To = rows[len(rows)-1].ID + 1
		}
		for _, r := range rows {
			sum := r.sum()
			p.sum.Docs += sum.Docs
			p.sum.Checksum += sum.Checksum
		}
		next = p.To
		if parts = append(parts, p); len(parts) == checkRanges || next == math.MaxInt64 {
			if err := k.compare(ctx, parts); err != nil {
				return err
			}
			parts = nil
		}
		k.done += p.sum.Docs
		if k.Progress != nil {
			k.Progress(k.done, max(k.total, k.done))
		}
	}
	return nil
}

// compare looks closer at the ranges that differ.
func (k *checker) compare(ctx context.Context, parts []part) error {
	ranges := make([]index.Range, len(parts))
	for i, p := range parts {
		ranges[i] = p.Range
	}
	sums, err := k.engine.Sums(ctx, ranges)
	if err != nil {
		return err
	}
	for i, p := range parts {
		if sums[i] == p.sum {
			continue
		}
		first, err := k.look(ctx, p.Range)
		if err != nil {
			return err
		}
		if len(first) == 0 {
			continue
		}
		if !lifecycle.Pause(ctx, settle) {
			return ctx.Err()
		}
		second, err := k.look(ctx, p.Range)
		if err != nil {
			return err
		}
		for _, at := range second.inOrder() {
			if first[at] != second[at] {
				continue // it is changing
			}
			if k.wrong++; k.wrong <= maxReported {
				k.Report("%s", second[at])
			}
		}
	}
	return nil
}

// differences are texts by the id that they are about.
type differences map[int64]string

// look compares each document of a range of at most a batch of rows, and what lies between them.
func (k *checker) look(ctx context.Context, r index.Range) (differences, error) {
	position, err := k.engine.Position(ctx)
	if err != nil {
		return nil, err
	}
	before, err := k.rows(ctx, r.Kind, r.From, batch)
	if err != nil {
		return nil, err
	}
	ranges := make([]index.Range, 0, 2*len(before)+1)
	next := r.From
	for _, row := range before {
		if row.ID >= r.To {
			break
		}
		ranges = append(ranges, index.Range{Kind: r.Kind, From: next, To: row.ID}, index.Range{Kind: r.Kind, From: row.ID, To: row.ID + 1})
		next = row.ID + 1
	}
	ranges = append(ranges, index.Range{Kind: r.Kind, From: next, To: r.To})
	sums, err := k.engine.Sums(ctx, ranges)
	if err != nil {
		return nil, err
	}
	after, err := k.rows(ctx, r.Kind, r.From, batch)
	if err != nil {
		return nil, err
	}
	return different(r.Kind, ranges, sums, before, after, position), nil
}

// different compares sums of the index with rows that were read before and after, leaving out what has changed meanwhile or after the
// position. Ranges are by turns what lies between rows, and one row.
func different(kind index.Kind, ranges []index.Range, sums []index.Sum, before, after []row, position int64) differences {
	name := "video"
	if kind == index.Users {
		name = "user"
	}
	now := make(map[int64]row, len(after))
	known := make([]int64, 0, len(after))
	for _, r := range after {
		now[r.ID] = r
		known = append(known, r.ID)
	}
	out := differences{}
	for i, r := range ranges {
		if i%2 == 0 {
			if sums[i].Docs != 0 && !anyWithin(known, r.From, r.To) {
				out[r.From] = fmt.Sprintf("the index has %d documents of %ss with ids from %d to %d, the catalogue has none",
					sums[i].Docs, name, r.From, r.To-1)
			}
			continue
		}
		row := before[i/2]
		if row.Version > position || now[row.ID].Version != row.Version {
			continue
		}
		switch want := row.sum(); {
		case sums[i] == want:
		case want.Docs == 0:
			out[row.ID] = fmt.Sprintf("%s %d is gone, but in the index", name, row.ID)
		case sums[i].Docs == 0:
			out[row.ID] = fmt.Sprintf("%s %d is not in the index", name, row.ID)
		default:
			out[row.ID] = fmt.Sprintf("%s %d is in the index with other content", name, row.ID)
		}
	}
	return out
}

// anyWithin tells whether one of the ids, which are in order, is from from up to, but not, to.
func anyWithin(ids []int64, from, to int64) bool {
	at, _ := slices.BinarySearch(ids, from)
	return at < len(ids) && ids[at] < to
}

func (d differences) inOrder() []int64 { return slices.Sorted(maps.Keys(d)) }
