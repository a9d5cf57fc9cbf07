package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/minio/minio-go/v7"
)

// maxEmptyReads is how often in a row a reader may give neither bytes nor an error.
const maxEmptyReads = 100

// Put sends what fits into one part with one request, and more as a multipart upload, part by part, so that a Put needs
// the memory of one part whatever the size. The library's own would ask for more, could not clean up after a cancel and
// takes a reader's io.ErrUnexpectedEOF for the end.
func (b *bucket) Put(ctx context.Context, key string, r io.Reader, kind string) (int64, error) {
	if err := CheckKey(key); err != nil {
		return 0, err
	}
	part, ok := b.parts.Get().(*[]byte)
	if !ok {
		return 0, errors.New("blob: the pool of parts holds something else")
	}
	defer b.parts.Put(part)
	p := put{bucket: b, key: key, r: until(ctx, r), buf: *part, opts: minio.PutObjectOptions{
		ContentType: storedType(key, kind), CacheControl: cacheControl, DisableContentSha256: true, // it is sent with each part
	}}
	n, last, err := p.fill()
	if err == nil {
		if last {
			err = p.single(ctx, n)
		} else {
			err = p.multipart(ctx, n)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("put %s: %w", key, err)
	}
	return p.size, nil
}

// put is a Put that runs.
type put struct {
	*bucket
	key  string
	r    io.Reader
	buf  []byte
	opts minio.PutObjectOptions
	size int64
}

// fill reads the next part into the buffer. last says that there is nothing after it.
func (p *put) fill() (n int, last bool, err error) {
	empty := 0
	for n < len(p.buf) {
		m, err := p.r.Read(p.buf[n:])
		n += m
		switch {
		case errors.Is(err, io.EOF):
			last = true
		case err != nil:
			return 0, false, err
		case m == 0:
			if empty++; empty == maxEmptyReads {
				return 0, false, io.ErrNoProgress
			}
			continue
		}
		if empty = 0; last {
			break
		}
	}
	if p.size += int64(n); p.size > MaxObject {
		return 0, false, fmt.Errorf("more than %d bytes", int64(MaxObject))
	}
	return n, last, nil
}

func (p *put) single(ctx context.Context, n int) error {
	ctx, cancel, err := commit(ctx, p.cfg.S3.Timeout)
	if err != nil {
		return err
	}
	defer cancel()
	data := p.buf[:n]
	_, err = p.core.PutObject(ctx, p.name, p.key, bytes.NewReader(data), int64(n), "", hash(data), p.opts)
	return p.failed(ctx, "store", p.key, err)
}

func (p *put) multipart(ctx context.Context, n int) error {
	id, err := p.begin(ctx)
	if err != nil {
		return err
	}
	parts, err := p.send(ctx, id, n)
	if err == nil {
		err = p.complete(ctx, id, parts)
	}
	if err == nil {
		return nil
	}
	// What is not aborted costs until it is swept. ctx may be the reason why it failed.
	ctx, cancel := p.within(context.WithoutCancel(ctx))
	defer cancel()
	if abort := p.core.AbortMultipartUpload(ctx, p.name, p.key, id); abort != nil && minio.ToErrorResponse(abort).Code != "NoSuchUpload" {
		return errors.Join(err, fmt.Errorf("abort: %w", abort))
	}
	return err
}

func (p *put) begin(ctx context.Context) (string, error) {
	ctx, cancel := p.within(ctx)
	defer cancel()
	id, err := p.core.NewMultipartUpload(ctx, p.name, p.key, p.opts)
	return id, p.failed(ctx, "begin", p.key, err)
}

// send sends the part of n bytes that is in the buffer and all that follow.
func (p *put) send(ctx context.Context, id string, n int) ([]minio.CompletePart, error) {
	var parts []minio.CompletePart
	for last := false; ; {
		done, err := p.sendPart(ctx, id, len(parts)+1, p.buf[:n])
		if err != nil {
			return nil, err
		}
		parts = append(parts, minio.CompletePart{PartNumber: done.PartNumber, ETag: done.ETag})
		if last {
			return parts, nil
		}
		if n, last, err = p.fill(); err != nil {
			return nil, err
		}
		if n == 0 {
			return parts, nil
		}
	}
}

func (p *put) sendPart(ctx context.Context, id string, number int, data []byte) (minio.ObjectPart, error) {
	ctx, cancel := p.within(ctx)
	defer cancel()
	done, err := p.core.PutObjectPart(ctx, p.name, p.key, id, number, bytes.NewReader(data), int64(len(data)),
		minio.PutObjectPartOptions{Sha256Hex: hash(data), DisableContentSha256: true})
	return done, p.failed(ctx, "store part of", p.key, err)
}

func (p *put) complete(ctx context.Context, id string, parts []minio.CompletePart) error {
	ctx, cancel, err := commit(ctx, p.long(p.size))
	if err != nil {
		return err
	}
	defer cancel()
	_, err = p.core.CompleteMultipartUpload(ctx, p.name, p.key, id, parts, minio.PutObjectOptions{})
	return p.failed(ctx, "complete", p.key, err)
}

// commit is the context of the one request that makes an object visible. It is not sent when ctx has ended. Once it is
// under way, only a deadline stops it: whether it came through would not be known.
func commit(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	limit := time.Now().Add(timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(limit) {
		limit = d
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), limit)
	return ctx, cancel, nil
}

// hash lets the server notice when a byte has changed on the way.
func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// storedType is the media type that an object gets: by its key, else as the writer says.
func storedType(key, kind string) string {
	if t := contentType(key); t != unknownType || kind == "" {
		return t
	}
	return kind
}
