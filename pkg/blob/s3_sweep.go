package blob

import (
	"context"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
)

func (b *bucket) Sweep(ctx context.Context, prefix string, olderThan time.Duration) (int, error) {
	if err := CheckKey(strings.TrimSuffix(prefix, "/")); err != nil {
		return 0, err
	}
	limit := time.Now().Add(-olderThan)
	if err := b.abortOld(ctx, limit); err != nil {
		return 0, err
	}
	return b.sweep(ctx, prefix, limit)
}

func (b *bucket) List(ctx context.Context, prefix string, olderThan time.Duration, page func(keys []string) error) error {
	if err := CheckKey(strings.TrimSuffix(prefix, "/")); err != nil {
		return err
	}
	return b.list(ctx, prefix, time.Now().Add(-olderThan), page)
}

// sweep deletes old objects, as many in one request as S3 takes.
func (b *bucket) sweep(ctx context.Context, prefix string, limit time.Time) (deleted int, err error) {
	err = b.list(ctx, prefix, limit, func(keys []string) error {
		if err := b.deleteBatch(ctx, keys); err != nil {
			return err
		}
		deleted += len(keys)
		return nil
	})
	return deleted, err
}

// list calls page with the keys of old objects, as many as S3 lists in one request. It keeps one such page in memory.
func (b *bucket) list(ctx context.Context, prefix string, limit time.Time, page func(keys []string) error) error {
	listCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	stall := time.AfterFunc(b.cfg.S3.Timeout, cancel)
	defer stall.Stop()
	batch := make([]string, 0, maxBatch)
	for o := range b.core.ListObjectsIter(listCtx, b.name, minio.ListObjectsOptions{Prefix: prefix, Recursive: true, MaxKeys: maxBatch}) {
		if o.Err != nil {
			return b.failed(ctx, "list", prefix, o.Err)
		}
		stall.Stop()
		if o.LastModified.Before(limit) {
			batch = append(batch, o.Key)
		}
		if len(batch) == maxBatch {
			if err := page(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		stall.Reset(b.cfg.S3.Timeout)
	}
	if err := listCtx.Err(); err != nil { // the library just ends the list
		return b.failed(ctx, "list", prefix, err)
	}
	if len(batch) > 0 {
		return page(batch)
	}
	return nil
}

// abortOld ends the multipart uploads of all keys that began before limit: they belong to Puts that were cut off by a
// crash, and their parts are kept and paid for, unseen, until somebody ends them.
func (b *bucket) abortOld(ctx context.Context, limit time.Time) error {
	for key, id := "", ""; ; {
		page, err := b.uploads(ctx, key, id)
		if err != nil {
			return err
		}
		for _, u := range page.Uploads {
			if !u.Initiated.Before(limit) {
				continue
			}
			if err := b.abort(ctx, u.Key, u.UploadID); err != nil {
				return err
			}
		}
		if !page.IsTruncated {
			return nil
		}
		key, id = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

func (b *bucket) uploads(ctx context.Context, key, id string) (minio.ListMultipartUploadsResult, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	page, err := b.core.ListMultipartUploads(ctx, b.name, "", key, id, "", maxBatch)
	return page, b.failed(ctx, "list uploads of", b.name, err)
}

// abort ends one upload; S3 has no request for several. Another gateway may have been faster.
func (b *bucket) abort(ctx context.Context, key, id string) error {
	ctx, cancel := b.within(ctx)
	defer cancel()
	err := b.core.AbortMultipartUpload(ctx, b.name, key, id)
	if minio.ToErrorResponse(err).Code == "NoSuchUpload" {
		return nil
	}
	return b.failed(ctx, "abort upload of", key, err)
}
