// Package index finds videos, users and tags by words. An index is a cache of the service's catalogue (dal/db): each document carries
// the number of the change that it shows, so an index follows the catalogue by asking for what changed after its position, and can be
// thrown away and built again. Engines are in packages of their own; indextest is the suite that each of them passes.
package index

import (
	"context"
	"errors"
	"strconv"
	"unicode/utf8"
)

var (
	// ErrNoIndex means that there is no complete index to search: it was lost or never built.
	ErrNoIndex = errors.New("index: there is none")
	// ErrUnavailable means that the engine does not answer now. Nothing is known about what was asked of it.
	ErrUnavailable = errors.New("index: engine does not answer")
	// ErrBadQuery is returned for a query that no engine can answer, e.g. a cursor that none has made.
	ErrBadQuery = errors.New("index: bad query")
)

// Kind is what a document is about.
type Kind int8

// Kinds, with the numbers of discovery.thrift (SearchKind).
const (
	Videos Kind = 1 + iota
	Users
	Tags
)

const (
	// MaxLimit bounds the hits of one query.
	MaxLimit = 100
	// MaxText bounds the text of a query, in characters.
	MaxText = 100
	// MaxBatch bounds the documents of one Apply or Add.
	MaxBatch = 1000
)

// Doc is one document.
type Doc struct {
	Kind Kind
	// ID of the video or user; 0 for a tag.
	ID int64
	// Tag is the tag, without # and as tags.Key writes it; empty for others.
	Tag string
	// Version is the number of the catalogue's change that it shows. An older version never replaces a newer one.
	Version int64
	// Gone says that it is to be found no more; only Kind, ID or Tag, and Version count then.
	Gone bool

	// Title of a video. Tags of it, as tags.Key writes them. AuthorID, and AuthorNames: the unique name and the one shown.
	Title       string
	Tags        []string
	AuthorID    int64
	AuthorNames []string
	// Names of a user: the unique name and the one shown.
	Names []string
	// PublishedMs is when a video was published; 0 for others.
	PublishedMs int64
	// Rank orders what fits a query equally well, highest first. It does not depend on when it is read (Rank).
	Rank float64
}

// Key names the document within an index: "v" and the id of a video, "u" and that of a user, "t" and a tag.
func (d *Doc) Key() string {
	switch d.Kind {
	case Videos:
		return "v" + strconv.FormatInt(d.ID, 10)
	case Users:
		return "u" + strconv.FormatInt(d.ID, 10)
	case Tags:
	}
	return "t" + d.Tag
}

// Query asks for documents of one kind.
type Query struct {
	Kind Kind
	// Text is what a person typed: 1..MaxText characters. It is divided as Words does, and each word must fit: a video by its title, tags
	// and author's names, each word by any of them; a user by the names; a tag also by what it begins with. Han, kana and Hangul are found
	// by any part, also by one character; words of other scripts whole, or, when they have FuzzyLetters or more, with one letter wrong,
	// missing, added or swapped with its neighbour. Nothing in it is an operator. A text without words, e.g. of emoji, fits nothing.
	Text string
	// Complete takes the last word of the text for the beginning of one: for suggestions while somebody types.
	Complete bool
	// Limit is 1..MaxLimit.
	Limit int
	// After is the Cursor of the hit to go on behind; empty: from the best.
	After string
}

// Span is a part of a text to be highlighted, in characters (code points).
type Span struct{ Start, Length int }

// Hit is a document that fits.
type Hit struct {
	ID  int64
	Tag string
	// Score orders hits, highest first; equal ones by Key: the Fit times FitWeight, and the Rank.
	Score float64
	// Cursor is for Query.After.
	Cursor string
}

// Fit is how well a text fits. Within one, Rank decides: how often a word stands in a title says little.
type Fit int8

// Fits. Words fit exactly when none needs an edit.
const (
	// FitLoosely: some word only with an edit. Of a word of CJK with three characters or more, an engine may also take documents that have its
	// characters elsewhere.
	FitLoosely Fit = 1 + iota
	// FitSomewhere: all words exactly, some of them in tags or the author's names. Of a tag: as the beginning of it.
	FitSomewhere
	// FitTitle: all words exactly in the title; of a user or tag: in the names, in the tag.
	FitTitle
	// FitWhole: the text is the whole of a name or tag, compared as Fold does. Videos have none.
	FitWhole
)

// FitWeight is above every Rank.
const FitWeight = 1 << 20

// Sum is what a range of documents has in common with the same range elsewhere: their number, and the sum of the Checksums.
type Sum struct {
	Docs     int64
	Checksum uint64
}

// Range is documents of one kind with ids from From up to, but without, To.
type Range struct {
	Kind     Kind
	From, To int64
}

// Info is how an index is.
type Info struct {
	// Engine is the name of the engine, Version of the index that serves.
	Engine, Version string
	// Docs it has, and Bytes on disk in all its copies; 0: not known.
	Docs, Bytes int64
}

// Check fails with ErrBadQuery when a query is not as its fields say.
func (q *Query) Check() error {
	if q.Kind < Videos || q.Kind > Tags || q.Limit < 1 || q.Limit > MaxLimit || q.Text == "" || utf8.RuneCountInString(q.Text) > MaxText {
		return ErrBadQuery
	}
	return nil
}

// Engine holds one index that serves, and builds another beside it. It is safe for concurrent use, but for Apply and Build, which one
// caller at a time may use.
type Engine interface {
	// Search answers a query. Fails with ErrNoIndex, ErrUnavailable or ErrBadQuery.
	Search(ctx context.Context, q Query) ([]Hit, error)
	// Position is up to which change of the catalogue the index that serves has all. Fails with ErrNoIndex or ErrUnavailable. An index
	// that turns out to be corrupt is none.
	Position(ctx context.Context) (int64, error)
	// Apply adds, replaces and removes at most MaxBatch documents of the index that serves, and moves its position. Doing it twice is doing it
	// once; an older version changes nothing. What it has added is found within a second after it returned. After an error the position is
	// the old one, and some documents may be there.
	// A Version at or below the present position is of a change that the index has already, and changes nothing. The position never goes
	// back. Versions are above position only when a change has more documents than one batch, and this is not the last one of it.
	Apply(ctx context.Context, docs []Doc, position int64) error
	// Build begins a new index beside the one that serves. One that was begun before, here or by a process that has died, is removed.
	Build(ctx context.Context) (Build, error)
	// Sums are those of ranges of videos and users, for the audit.
	Sums(ctx context.Context, ranges []Range) ([]Sum, error)
	// Info tells how the index that serves is.
	Info(ctx context.Context) (Info, error)
	// Close releases the engine.
	Close() error
}

// Build is an index that does not serve yet. One caller at a time may use it.
type Build interface {
	// Add adds at most MaxBatch documents, none of them Gone, each once. Versions may be above the position of Commit.
	Add(ctx context.Context, docs []Doc) error
	// Commit makes it the index that serves, at this position, and removes the old one. Searches in flight end as they would have. After an
	// error the old one serves.
	Commit(ctx context.Context, position int64) error
	// Abort removes it. After Commit it does nothing.
	Abort() error
}
