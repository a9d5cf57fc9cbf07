package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"tiktok/pkg/blob"
)

// parallel is how many objects are copied at once.
const parallel = 8

// firstBytes are what a key can begin with; see blob.Store. A list wants a prefix.
const firstBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// unfinished is the prefix of uploads under way.
const unfinished = "tmp/"

// copied is what was done.
type copied struct{ seen, copied, bytes atomic.Int64 }

// copyAll copies the objects that to does not have with the same size: a key never gets another content. An object that
// is deleted meanwhile is left out. It needs the same memory whatever the number of objects.
func copyAll(ctx context.Context, from, to blob.Store) (*copied, error) {
	var done copied
	for _, first := range firstBytes {
		err := from.List(ctx, string(first), 0, func(keys []string) error {
			g, ctx := errgroup.WithContext(ctx)
			g.SetLimit(parallel)
			for _, key := range keys {
				if strings.HasPrefix(key, unfinished) {
					continue
				}
				g.Go(func() error { return copyOne(ctx, from, to, key, &done) })
			}
			return g.Wait()
		})
		if err != nil {
			return &done, err
		}
	}
	return &done, nil
}

func copyOne(ctx context.Context, from, to blob.Store, key string, done *copied) (err error) {
	src, err := from.Open(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	done.seen.Add(1)
	same, err := hasSame(ctx, to, key, src.Size)
	if err != nil || same {
		return err
	}
	n, err := to.Put(ctx, key, src, src.ContentType)
	if err == nil && n != src.Size {
		err = fmt.Errorf("%d bytes of %d", n, src.Size)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	done.copied.Add(1)
	done.bytes.Add(n)
	return nil
}

func hasSame(ctx context.Context, s blob.Store, key string, size int64) (bool, error) {
	there, err := s.Open(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", key, err)
	}
	return there.Size == size, there.Close()
}
