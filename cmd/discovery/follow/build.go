package follow

import (
	"context"
	"errors"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/index"
)

// tellEvery is how often long work tells how far it is.
const tellEvery = 2 * time.Second

// errNotLeading ends a build when another process has taken over.
var errNotLeading = errors.New("another process writes to the index now")

// progress hears how many documents of how many are done. The total is a count of before, and may be exceeded.
type progress func(done, total int64)

// rebuild builds an index beside the one that serves, and commits it. What changes meanwhile is applied by the next steps.
func (f *Follower) rebuild(ctx context.Context, why string, tell progress) (err error) {
	began := time.Now()
	defer f.metrics.building.Set(0)
	told := began
	docs, err := Rebuild(ctx, f.Store, f.Engine, func(done, total int64) error {
		leads, err := f.leads(ctx)
		if err != nil {
			return err
		}
		if !leads {
			return errNotLeading
		}
		f.meanwhile(ctx)
		f.metrics.building.Set(float64(done) / float64(max(total, done, 1)))
		if time.Since(told) >= tellEvery {
			told = time.Now()
			f.Log.Info("index is built", "documents", done, "of", total, "per_second", int64(float64(done)/time.Since(began).Seconds()))
			if tell != nil {
				tell(done, total)
			}
		}
		return nil
	})
	if err != nil {
		f.metrics.rebuilds.WithLabelValues(why, "failed").Inc()
		return err
	}
	f.metrics.rebuilds.WithLabelValues(why, "done").Inc()
	f.Log.Info("index was built", "why", why, "documents", docs, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// Rebuild builds an index of the whole catalogue beside the one that serves, and commits it at the change that was the newest when it
// began. each is called after each batch, and ends it by an error. It returns how many documents the index has.
func Rebuild(ctx context.Context, store *db.Store, e index.Engine, each func(done, total int64) error) (docs int64, err error) {
	total, err := store.CatalogueSize(ctx)
	if err != nil {
		return 0, err
	}
	// Changes above this number are read by some pages and not by others; they are applied again later.
	position, err := store.CatalogueSeq(ctx)
	if err != nil {
		return 0, err
	}
	b, err := e.Build(ctx)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Abort())
		}
	}()
	err = walk(ctx, store, func(part []index.Doc) error {
		if err := b.Add(ctx, part); err != nil {
			return err
		}
		docs += int64(len(part))
		return each(docs, total)
	})
	if err != nil {
		return docs, err
	}
	return docs, b.Commit(ctx, position)
}

// walk calls fn with all documents of the catalogue, in batches of one kind, videos and users in the order of ids.
func walk(ctx context.Context, store *db.Store, fn func([]index.Doc) error) error {
	err := pages(ctx, store.IndexVideosAfter, func(v db.IndexVideo) int64 { return v.ID }, videoDoc, fn)
	if err == nil {
		err = pages(ctx, store.IndexUsersAfter, func(u db.User) int64 { return u.ID }, userDoc, fn)
	}
	if err == nil {
		err = pages(ctx, store.IndexTagsAfter, func(t db.Tag) string { return t.Tag }, tagDoc, fn)
	}
	return err
}

// pages calls fn with the documents of all rows, page by page.
func pages[Row any, Key int64 | string](
	ctx context.Context,
	read func(ctx context.Context, after Key, limit int) ([]Row, error),
	key func(Row) Key, doc func(Row) index.Doc, fn func([]index.Doc) error,
) error {
	var after Key
	for {
		rows, err := read(ctx, after, batch)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		docs := make([]index.Doc, len(rows))
		for i, r := range rows {
			docs[i] = doc(r)
		}
		if err := fn(docs); err != nil {
			return err
		}
		if len(rows) < batch {
			return nil
		}
		after = key(rows[len(rows)-1])
	}
}
