package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"tiktok/pkg/blob"
)

// folderOf holds everything that is made of a video.
func folderOf(videoID int64) string {
	const spread = 0x9E3779B97F4A7C15 // makes the first byte of ids that follow each other differ
	return fmt.Sprintf("videos/%02x/%d", uint64(videoID)*spread>>56, videoID)
}

// stepFolder holds what the holder of token makes in one step. No two attempts share one.
func stepFolder(videoID int64, step int, token string) string {
	return folderOf(videoID) + "/" + stepName(step) + "-" + token
}

// source is the path of the uploaded file, downloaded into dir if the store has no files.
func (w *worker) source(ctx context.Context, dir, key string) (string, error) {
	if p, ok := blob.LocalPath(w.Blobs, key); ok {
		return p, nil
	}
	obj, err := w.Blobs.Open(ctx, key)
	if err != nil {
		return "", fmt.Errorf("source: %w", err)
	}
	defer obj.Close()
	f, err := os.Create(filepath.Join(dir, "source"+path.Ext(key)))
	if err != nil {
		return "", fmt.Errorf("source: %w", err)
	}
	n, err := io.Copy(f, io.LimitReader(ctxReader{ctx, obj}, obj.Size))
	if err = errors.Join(err, f.Close()); err == nil && n != obj.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", fmt.Errorf("download %s: %w", key, err)
	}
	return f.Name(), nil
}

// upload stores the files of dir below prefix, last the one that names the others.
func (w *worker) upload(ctx context.Context, dir, prefix, last string) error {
	put := func(name string) error {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = w.Blobs.Put(ctx, prefix+"/"+name, f, "")
		return err
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == last {
			return err
		}
		return put(name)
	})
	if err != nil {
		return err
	}
	return put(last)
}

// discard deletes everything below the folder.
func (w *worker) discard(ctx context.Context, folder string) error {
	return w.Blobs.List(ctx, folder+"/", -time.Hour, func(keys []string) error { return w.Blobs.Delete(ctx, keys...) })
}

func (w *worker) removeAll(dir string) {
	if err := os.RemoveAll(dir); err != nil {
		w.log.Warn("temporary files stay", "dir", dir, "err", err)
	}
}

// ctxReader ends a copy when ctx ends.
type ctxReader struct {
	ctx context.Context //nolint:containedctx // lives as long as one copy
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
