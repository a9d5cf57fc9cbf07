package bleveindex

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"tiktok/cmd/discovery/index"
)

const (
	// readAll is up to how many documents are compared one by one. More are gone through by ranges of their rank, the best first, so that
	// a word which half of the titles have costs no more than a rare one.
	readAll = 128
	// lookUps is how many ranges may be looked up for each document that fits, before all documents are read after all: those that fit may
	// be old. A look-up costs a fifth of reading a document that lies far from others.
	lookUps = 2
	// maxExpansions bounds the words of a segment that an incomplete word, or one with an edit, stands for.
	maxExpansions = 2000
)

// Search implements index.Engine.
func (e *Engine) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	after, err := parseCursor(q.Kind, q.After)
	if err != nil {
		return nil, err
	}
	s, snap, err := e.current()
	if err != nil {
		return nil, err
	}
	defer snap.close()
	hits, err := e.search(ctx, snap, q, after)
	if err != nil && ctx.Err() == nil {
		err = e.failed(s, err)
	}
	return hits, err
}

// search reads mapped files.
func (e *Engine) search(ctx context.Context, snap *snapshot, q index.Query, after cursor) (hits []index.Hit, err error) {
	defer guard(&err)()
	words, err := e.words(&q)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	whole := wholeOf(q.Text)
	if q.Kind == index.Tags {
		whole = strings.TrimLeft(whole, "#")
	}
	segments := make([]*reader, 0, len(snap.segments))
	for _, seg := range snap.segments {
		segments = append(segments, &reader{SegmentSnapshot: seg, kind: q.Kind, fields: fieldsOf(q.Kind), whole: whole})
	}
	for fit := after.fit; fit >= index.FitLoosely && len(hits) < q.Limit; fit-- {
		var total uint64
		for _, seg := range segments {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := seg.find(words, fit); err != nil {
				return nil, err
			}
			total += seg.found.GetCardinality()
		}
		least := &best{most: q.Limit - len(hits)}
		if fit == after.fit {
			least.after = after.order
		}
		if err := collect(ctx, segments, total, q.Kind, least); err != nil {
			return nil, err
		}
		for _, order := range least.orders {
			h := index.Hit{Score: float64(fit)*index.FitWeight + rankOf(order), Cursor: cursor{fit, order}.String()}
			var ok bool
			if h.ID, h.Tag, ok = parseKey(q.Kind, keyOf(order)); !ok {
				return nil, fmt.Errorf("index: key %q", keyOf(order))
			}
			hits = append(hits, h)
		}
	}
	return hits, nil
}

// word is a word of a query.
type word struct {
	index.Word
	// pairs are all pairs of a word of CJK, or its only character; single its characters.
	single, pairs []string
	// edits takes words with one edit; nil when it has no letter to spare.
	edits segment.Automaton
	// open says that it may go on.
	open bool
}

// words are the different words of a query.
func (e *Engine) words(q *index.Query) ([]word, error) {
	all := index.Words(q.Text)
	var out []word
	for i, w := range all {
		open := q.Complete && i == len(all)-1 && !w.CJK
		if slices.ContainsFunc(out, func(o word) bool { return o.Text == w.Text && o.open == open }) {
			continue
		}
		next := word{Word: w, open: open}
		if w.CJK {
			if next.single, next.pairs = w.Grams(); len(next.pairs) == 0 {
				next.pairs = next.single
			}
		}
		if w.Fuzzy() {
			edits, err := e.fuzzy.BuildDfa(w.Text, 1)
			if err != nil {
				return nil, err
			}
			next.edits = edits
		}
		out = append(out, next)
	}
	return out, nil
}

// reader finds what fits in one segment.
type reader struct {
	*scorch.SegmentSnapshot
	kind   index.Kind
	fields fields
	whole  string
	// found are those of the fit that was asked for last; taken are those of better ones, and what was removed.
	found, taken *roaring.Bitmap
	order        values
	dicts        map[string]segment.TermDictionary
}

// find sets found to what fits so well, but not better. Fits are asked for from the best one on, or from the one that a page ended in: then
// what fits better is found first.
func (r *reader) find(words []word, fit index.Fit) error {
	if r.taken == nil {
		r.taken = roaring.New()
		if gone := r.Deleted(); gone != nil {
			r.taken.Or(gone)
		}
		for better := index.FitWhole; better > fit; better-- {
			if err := r.find(words, better); err != nil {
				return err
			}
		}
	}
	all, err := r.fits(words, fit)
	if err != nil {
		return err
	}
	all.AndNot(r.taken)
	r.taken.Or(all)
	r.found = all
	return nil
}

// fits are the documents that fit so well or better.
func (r *reader) fits(words []word, fit index.Fit) (*roaring.Bitmap, error) {
	if fit == index.FitWhole {
		if r.fields.whole == "" {
			return roaring.New(), nil
		}
		return r.term(r.fields.whole, r.whole)
	}
	var all *roaring.Bitmap
	for i := range words {
		one, err := r.word(&words[i], fit)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = one
		} else {
			all.And(one)
		}
		if all.IsEmpty() {
			break
		}
	}
	if r.kind == index.Tags && fit <= index.FitSomewhere {
		begins, err := r.expand(r.fields.whole, nil, r.whole)
		if err != nil {
			return nil, err
		}
		all.Or(begins)
	}
	return all, nil
}

// word finds the documents with a word.
func (r *reader) word(w *word, fit index.Fit) (*roaring.Bitmap, error) {
	out, err := r.exact(r.fields.title, w)
	if err != nil || fit == index.FitTitle {
		return out, err
	}
	fields := []string{r.fields.title}
	if r.fields.other != "" {
		fields = append(fields, r.fields.other)
		other, err := r.exact(r.fields.other, w)
		if err != nil {
			return nil, err
		}
		out.Or(other)
	}
	if fit == index.FitSomewhere {
		return out, nil
	}
	for _, field := range fields {
		var loose *roaring.Bitmap
		switch {
		case w.edits != nil:
			loose, err = r.expand(field, w.edits, "")
		case len(w.single) > 2:
			loose, err = r.all(field, w.single)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Or(loose)
	}
	return out, nil
}

func (r *reader) exact(field string, w *word) (*roaring.Bitmap, error) {
	switch {
	case w.CJK:
		return r.all(field, w.pairs)
	case w.open:
		return r.expand(field, nil, w.Text)
	}
	return r.term(field, w.Text)
}

// all are the documents that have all terms.
func (r *reader) all(field string, terms []string) (*roaring.Bitmap, error) {
	var out *roaring.Bitmap
	for _, t := range terms {
		one, err := r.term(field, t)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = one
		} else {
			out.And(one)
		}
		if out.IsEmpty() {
			break
		}
	}
	return out, nil
}

// dict is the dictionary of a field.
func (r *reader) dict(field string) (segment.TermDictionary, error) {
	if d := r.dicts[field]; d != nil {
		return d, nil
	}
	d, err := r.Segment().Dictionary(field)
	if err != nil {
		return nil, err
	}
	if r.dicts == nil {
		r.dicts = map[string]segment.TermDictionary{}
	}
	r.dicts[field] = d
	return d, nil
}

// term are the documents that have a term. The bitmap is the caller's.
func (r *reader) term(field, term string) (*roaring.Bitmap, error) {
	d, err := r.dict(field)
	if err != nil {
		return nil, err
	}
	out := roaring.New()
	return out, addTo(out, d, []byte(term))
}

// addTo adds the documents of a term.
func addTo(to *roaring.Bitmap, d segment.TermDictionary, term []byte) error {
	list, err := d.PostingsList(term, nil, nil)
	if err != nil {
		return err
	}
	postings, ok := list.Iterator(false, false, false, nil).(segment.OptimizablePostingsIterator)
	if !ok {
		return fmt.Errorf("index: postings of type %T", list)
	}
	if n, ok := postings.DocNum1Hit(); ok {
		to.Add(uint32(n)) //nolint:gosec // segments have fewer than 2^32
	} else if docs := postings.ActualBitmap(); docs != nil {
		to.Or(docs)
	}
	return nil
}

// expand are the documents that have a term which an automaton takes, or which begins so.
func (r *reader) expand(field string, a segment.Automaton, begin string) (*roaring.Bitmap, error) {
	d, err := r.dict(field)
	if err != nil {
		return nil, err
	}
	var from, to []byte
	if begin != "" {
		from, to = []byte(begin), append([]byte(begin), 0xFF) // no text has such a byte
	}
	out := roaring.New()
	terms := d.AutomatonIterator(a, from, to)
	for range maxExpansions {
		entry, err := terms.Next()
		if err != nil {
			return nil, err
		}
		if entry == nil {
			break
		}
		if err := addTo(out, d, []byte(entry.Term)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// best keeps the orders that come first behind another one.
type best struct {
	most   int
	after  []byte
	orders [][]byte
}

func (b *best) add(order []byte) {
	if len(b.after) > 0 && bytes.Compare(order, b.after) <= 0 {
		return
	}
	if len(b.orders) == b.most && bytes.Compare(order, b.orders[b.most-1]) >= 0 {
		return
	}
	at := sort.Search(len(b.orders), func(i int) bool { return bytes.Compare(b.orders[i], order) > 0 })
	if len(b.orders) == b.most {
		b.orders = b.orders[:b.most-1]
	}
	b.orders = slices.Insert(b.orders, at, bytes.Clone(order))
}

// collect takes the best of what was found.
func collect(ctx context.Context, segments []*reader, total uint64, kind index.Kind, to *best) error {
	if total <= readAll {
		return visitAll(ctx, segments, to)
	}
	buckets, err := bucketsOf(segments, kind)
	if err != nil {
		return err
	}
	from := uint32(math.MaxUint32)
	if len(to.after) > 0 {
		from = bucketOf(rankOf(to.after))
	}
	left := total * lookUps
	for _, bucket := range buckets {
		if bucket > from {
			continue
		}
		if left < uint64(len(segments)) {
			to.orders = nil
			return visitAll(ctx, segments, to)
		}
		left -= uint64(len(segments))
		for _, r := range segments {
			in, err := r.term(fieldBucket, bucketTerm(kind, bucket))
			if err != nil {
				return err
			}
			in.And(r.found)
			if err := r.visit(ctx, in, to); err != nil {
				return err
			}
		}
		if len(to.orders) == to.most {
			return nil // what follows has less
		}
	}
	return nil
}

func visitAll(ctx context.Context, segments []*reader, to *best) error {
	for _, r := range segments {
		if err := r.visit(ctx, r.found, to); err != nil {
			return err
		}
	}
	return nil
}

// bucketsOf are the ranges of rank that a kind has, the best first.
func bucketsOf(segments []*reader, kind index.Kind) ([]uint32, error) {
	var out []uint32
	for _, r := range segments {
		d, err := r.dict(fieldBucket)
		if err != nil {
			return nil, err
		}
		terms := d.AutomatonIterator(nil, []byte{byte(kind)}, []byte{byte(kind) + 1})
		for {
			entry, err := terms.Next()
			if err != nil {
				return nil, err
			}
			if entry == nil {
				break
			}
			if bucket, ok := parseBucket(entry.Term); ok {
				out = append(out, bucket)
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	slices.Reverse(out)
	return out, nil
}

func (r *reader) visit(ctx context.Context, docs *roaring.Bitmap, to *best) error {
	n := 0
	for it := docs.Iterator(); it.HasNext(); n++ {
		if n%4096 == 4095 && ctx.Err() != nil {
			return ctx.Err()
		}
		order, err := r.order.read(r, fieldOrder, uint64(it.Next()))
		if err != nil {
			return err
		}
		to.add(order)
	}
	return nil
}

// cursor is where a page has ended: how its last hit fits, and its order.
type cursor struct {
	fit   index.Fit
	order []byte
}

// String is the text of a cursor.
func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{byte(c.fit)}, c.order...))
}

// parseCursor reads the text of a cursor; an empty one is before the best.
func parseCursor(k index.Kind, s string) (cursor, error) {
	if s == "" {
		return cursor{fit: index.FitWhole}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) < 1+packed {
		return cursor{}, index.ErrBadQuery
	}
	c := cursor{fit: index.Fit(raw[0]), order: raw[1:]} //nolint:gosec // checked next
	if _, _, ok := parseKey(k, keyOf(c.order)); !ok || c.fit < index.FitLoosely || c.fit > index.FitWhole {
		return cursor{}, index.ErrBadQuery
	}
	return c, nil
}
