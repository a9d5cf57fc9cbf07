package bleveindex

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	bleve "github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"tiktok/cmd/discovery/index"
)

// Apply implements index.Engine. Documents and position are one batch of bleve, on disk when it returns.
func (e *Engine) Apply(ctx context.Context, docs []index.Doc, position int64) (err error) {
	if e.cfg.ReadOnly {
		return errReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s, snap, err := e.current()
	if err != nil {
		return err
	}
	defer snap.close()
	was, highest := snap.number(positionKey), snap.number(highestKey)
	newest, err := e.newer(s, snap, docs, was, highest)
	if err != nil {
		return err
	}
	if position <= was && len(newest) == 0 {
		return nil // it has all of that
	}
	position = max(position, was)
	batch := bleve.NewBatch()
	for key, d := range newest {
		if d.Gone {
			batch.Delete(key)
			continue
		}
		batch.Update(toDocument(d))
		highest = max(highest, d.Version)
	}
	batch.SetInternal([]byte(positionKey), number(position))
	batch.SetInternal([]byte(highestKey), number(highest))
	if err := s.batch(batch); err != nil {
		// What is in memory has the documents, what is on disk has not.
		return errors.Join(err, e.reopen(s))
	}
	return nil
}

// newer are the documents that the index does not have yet, by key.
func (e *Engine) newer(s *store, snap *snapshot, docs []index.Doc, position, highest int64) (map[string]*index.Doc, error) {
	newest := make(map[string]*index.Doc, len(docs))
	for i := range docs {
		d := &docs[i]
		if d.Version <= position {
			continue
		}
		key := d.Key()
		if other := newest[key]; other == nil || other.Version < d.Version {
			newest[key] = d
		}
	}
	if highest <= position || len(newest) == 0 {
		return newest, nil
	}
	// Since it was built it may have newer ones than its position tells.
	if err := snap.dropOlder(newest); err != nil {
		return nil, e.failed(s, err)
	}
	return newest, nil
}

// dropOlder removes what the index has in that version or a newer one.
func (s *snapshot) dropOlder(docs map[string]*index.Doc) (err error) {
	defer guard(&err)()
	keys := make([]string, 0, len(docs))
	for key := range docs {
		keys = append(keys, key)
	}
	for _, seg := range s.segments {
		here, err := seg.DocNumbers(keys)
		if err != nil {
			return err
		}
		if gone := seg.Deleted(); gone != nil {
			here.AndNot(gone)
		}
		var order, check values
		for it := here.Iterator(); it.HasNext(); {
			n := uint64(it.Next())
			key, err := order.read(seg, fieldOrder, n)
			if err != nil {
				return err
			}
			name := keyOf(key)
			sum, err := check.read(seg, fieldCheck, n)
			if err != nil {
				return err
			}
			if d := docs[name]; d != nil && int64(unpack(sum)) >= d.Version { //nolint:gosec // as it was written
				delete(docs, name)
			}
		}
	}
	return nil
}

// values reads the values of one field of a segment, faster in the order of the documents.
type values struct{ state segment.DocVisitState }

// read fails when a document has none: every document has.
func (v *values) read(seg interface{ Segment() segment.Segment }, field string, n uint64) (out []byte, err error) {
	from, ok := seg.Segment().(segment.DocValueVisitable)
	if !ok {
		return nil, errors.New("index: a segment without values")
	}
	v.state, err = from.VisitDocValues(n, []string{field}, func(_ string, term []byte) { out = term }, v.state)
	if err == nil && len(out) < packed {
		err = fmt.Errorf("index: document %d has no value of %s", n, field)
	}
	return out, err
}

// batch applies changes, and returns when they are on disk.
func (s *store) batch(b *bleve.Batch) error {
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() { done <- err }()
		defer guard(&err)()
		err = s.scorch.Batch(b)
	}()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("index: %w", err)
		}
		return nil
	case <-timeout.C:
		return errors.New("index: it does not take changes")
	}
}

// Sums implements index.Engine. It reads all documents, however few the ranges have.
func (e *Engine) Sums(ctx context.Context, ranges []index.Range) ([]index.Sum, error) {
	s, snap, err := e.current()
	if err != nil {
		return nil, err
	}
	defer snap.close()
	sums, err := snap.sums(ctx, ranges)
	if err != nil && ctx.Err() == nil {
		err = e.failed(s, err)
	}
	return sums, err
}

func (s *snapshot) sums(ctx context.Context, ranges []index.Range) (sums []index.Sum, err error) {
	defer guard(&err)()
	sums = make([]index.Sum, len(ranges))
	holding := finder(ranges)
	for _, seg := range s.segments {
		var order, check values
		gone := seg.Deleted()
		for n := range seg.Segment().Count() {
			if n%4096 == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if gone != nil && gone.Contains(uint32(n)) { //nolint:gosec // segments have fewer than 2^32
				continue
			}
			o, err := order.read(seg, fieldOrder, n)
			if err != nil {
				return nil, err
			}
			kind, id, ok := kindOf(keyOf(o))
			if !ok {
				continue
			}
			c, err := check.read(seg, fieldCheck, n)
			if err != nil {
				return nil, err
			}
			holding(kind, id, func(i int) {
				sums[i].Docs++
				sums[i].Checksum += unpack(c[packed:])
			})
		}
	}
	return sums, nil
}

// finder returns what calls fn with each range, by its index, that holds an id. It is fast when no two ranges overlap.
func finder(ranges []index.Range) func(kind index.Kind, id int64, fn func(i int)) {
	order := make([]int, len(ranges))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(ranges[a].Kind, ranges[b].Kind), cmp.Compare(ranges[a].From, ranges[b].From))
	})
	apart := true
	for n := 1; n < len(order); n++ {
		before, r := ranges[order[n-1]], ranges[order[n]]
		apart = apart && (before.Kind != r.Kind || before.To <= r.From)
	}
	return func(kind index.Kind, id int64, fn func(i int)) {
		// Behind all ranges that begin at or before the id.
		n := sort.Search(len(order), func(n int) bool {
			r := ranges[order[n]]
			return r.Kind > kind || r.Kind == kind && r.From > id
		})
		for n--; n >= 0; n-- {
			r := ranges[order[n]]
			if r.Kind != kind {
				return
			}
			if id < r.To {
				fn(order[n])
			}
			if apart && r.From < r.To {
				return
			}
		}
	}
}

// kindOf reads the key of a video or user.
func kindOf(key string) (index.Kind, int64, bool) {
	for _, k := range []index.Kind{index.Videos, index.Users} {
		if id, _, ok := parseKey(k, key); ok {
			return k, id, true
		}
	}
	return 0, 0, false
}
