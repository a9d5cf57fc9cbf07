package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	// firstWindow and lastWindow are how many bytes one request asks for: few after a seek, since the reader may be gone
	// soon and a connection with an answer half read is lost, and more the longer it reads on.
	firstWindow = 1 << 20
	lastWindow  = 64 << 20
	// windowGrowth is from one request to the next.
	windowGrowth = 4
	// maxSkip is the distance that is read away rather than asked for anew.
	maxSkip = 64 << 10
	// maxBroken is how many answers in a row may break off without a byte.
	maxBroken = 3
)

func (b *bucket) stat(ctx context.Context, key string) (minio.ObjectInfo, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	info, err := b.core.StatObject(ctx, b.name, key, minio.StatObjectOptions{})
	return info, b.failed(ctx, "find", key, err)
}

// Open asks for what the object is. Its bytes are asked for by the first Read, as the next one may have been a Seek.
func (b *bucket) Open(ctx context.Context, key string) (*Object, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	info, err := b.stat(ctx, key)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // a file does not close with the request either
	return &Object{
		ReadSeekCloser: &reader{bucket: b, key: key, etag: info.ETag, size: info.Size, life: life, end: end, window: firstWindow},
		Size:           info.Size,
		ModTime:        info.LastModified,
		ContentType:    storedType(key, info.ContentType),
		ETag:           `"` + info.ETag + `"`,
	}, nil
}

// reader reads one version of an object by requests for ranges. When an answer breaks off it asks for the rest.
type reader struct {
	*bucket
	key, etag string
	size      int64
	life      context.Context //nolint:containedctx // of the reader, like a file's descriptor
	end       context.CancelFunc
	pos       int64 // of the next Read
	window    int64 // of the next request

	body   io.ReadCloser // nil, or an answer that is being read
	at     int64         // where it is
	until  int64         // where it ends
	cancel context.CancelFunc
	stall  *time.Timer // cancels it
}

func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.size
	default:
		return 0, fmt.Errorf("seek in %s: bad whence %d", r.key, whence)
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek in %s: before the beginning", r.key)
	}
	r.pos = offset
	return offset, nil
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.life.Err(); err != nil {
		return 0, fmt.Errorf("read %s: closed", r.key)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if r.pos >= r.size {
		return 0, io.EOF
	}
	for broken := 0; ; broken++ {
		if err := r.request(); err != nil {
			return 0, err
		}
		n, err := r.next(p)
		if n > 0 {
			return n, nil
		}
		r.drop()
		if r.life.Err() != nil || broken == maxBroken {
			return 0, fmt.Errorf("read %s: %w: %w", r.key, ErrUnavailable, err)
		}
	}
}

// next reads from the answer, which has something at pos.
func (r *reader) next(p []byte) (int, error) {
	r.stall.Reset(r.cfg.S3.Timeout)
	defer func() {
		if r.stall != nil {
			r.stall.Stop()
		}
	}()
	if skip := r.pos - r.at; skip > 0 {
		n, err := io.CopyN(io.Discard, r.body, skip)
		if r.at += n; err != nil {
			return 0, err
		}
	}
	n, err := r.body.Read(p[:min(int64(len(p)), r.until-r.at)])
	r.at += int64(n)
	r.pos = r.at
	if n > 0 && r.at == r.until {
		r.finish()
	}
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	return n, err
}

// finish reads the end of an answer that has been read whole, so that its connection can be used again.
func (r *reader) finish() {
	_, _ = r.body.Read(make([]byte, 1)) // io.EOF
	r.drop()
	r.window = min(r.window*windowGrowth, lastWindow)
}

// drop ends the answer, read or not.
func (r *reader) drop() {
	if r.body == nil {
		return
	}
	r.stall.Stop()
	_ = r.body.Close() // only read
	r.cancel()
	r.body, r.stall, r.cancel = nil, nil, nil
}

// request makes sure that there is an answer with something at pos.
func (r *reader) request() error {
	if r.body != nil {
		if r.pos >= r.at && r.pos < r.until && r.pos-r.at <= maxSkip {
			return nil
		}
		r.drop()
		r.window = firstWindow
	}
	until := min(r.pos+r.window, r.size)
	var opts minio.GetObjectOptions
	if err := errors.Join(opts.SetRange(r.pos, until-1), opts.SetMatchETag(r.etag)); err != nil {
		return fmt.Errorf("read %s: %w", r.key, err)
	}
	ctx, cancel := context.WithCancel(r.life)
	stall := time.AfterFunc(r.cfg.S3.Timeout, cancel)
	body, _, _, err := r.core.GetObject(ctx, r.name, r.key, opts)
	if err != nil {
		stall.Stop()
		cancel()
		if minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
			return fmt.Errorf("%w: %s has been overwritten", ErrNotFound, r.key)
		}
		return r.failed(r.life, "read", r.key, err)
	}
	r.body, r.at, r.until, r.cancel, r.stall = body, r.pos, until, cancel, stall
	return nil
}

// Close ends the request that may be under way.
func (r *reader) Close() error {
	r.drop()
	r.end()
	return nil
}
