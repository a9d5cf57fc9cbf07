package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tiktok/pkg/disk"
)

// tempDir is where Put writes before it names a file. No key begins with a dot, so no object can be in it.
const tempDir = ".put"

// local is a Store in a folder: the key is the path. All access goes through os.Root, so neither a key nor a symbolic
// link leads out of the folder.
type local struct {
	dir       string // absolute
	root      *os.Root
	publicURL string
	reserve   int64
}

func openLocal(cfg Config) (*local, error) {
	if cfg.Dir == "" {
		return nil, errors.New("blob: the local driver needs a dir")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, tempDir), 0o750); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return &local{dir: dir, root: root, publicURL: cfg.PublicURL, reserve: cfg.ReserveBytes}, nil
}

// LocalPath returns the path of an object's file, for programs such as ffmpeg that want one, and whether the store has
// files at all. It does not say that the object exists. Whoever reads the file must not change it.
func LocalPath(s Store, key string) (string, bool) {
	l, ok := s.(*local)
	if !ok || CheckKey(key) != nil {
		return "", false
	}
	return filepath.Join(l.dir, filepath.FromSlash(key)), true
}

// Low reports whether the disk of a store of files has less left than Config.ReserveBytes. Put stores all the same: whoever
// can do without asks before. Other stores are never low.
func Low(s Store) bool {
	l, ok := s.(*local)
	return ok && disk.Low(l.dir, l.reserve)
}

// Put ignores the content type: Open takes it from the key's extension, as there is no place beside the bytes for it.
func (l *local) Put(ctx context.Context, key string, r io.Reader, _ string) (size int64, err error) {
	if err := CheckKey(key); err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			size, err = 0, fmt.Errorf("put %s: %w", key, noRoom(err))
		}
	}()
	temp := tempDir + "/" + rand.Text()
	f, err := l.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return 0, err
	}
	named := false
	defer func() {
		if !named {
			_ = f.Close() // a second close does nothing
			_ = l.root.Remove(temp)
		}
	}()

	size, err = io.Copy(f, until(ctx, r))
	if err == nil {
		err = ctx.Err() // the last read may have been long
	}
	if err != nil {
		return 0, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	// The file system's own clock ticks every few milliseconds; ETag needs two writes to differ.
	now := time.Now()
	if err := l.root.Chtimes(temp, now, now); err != nil {
		return 0, err
	}
	if err := l.rename(temp, key); err != nil {
		return 0, err
	}
	named = true
	return size, nil
}

// noRoom adds ErrFull to the ways in which a file system says so.
func noRoom(err error) error {
	if disk.Full(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// until ends a copy when ctx ends.
func until(ctx context.Context, r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// rename moves a file to the key, making folders, and returns when that would survive a crash.
func (l *local) rename(from, to string) error {
	parent := path.Dir(to)
	if err := l.mkdir(parent); err != nil {
		return err
	}
	if err := l.root.Rename(from, to); err != nil {
		return err
	}
	return l.sync(parent)
}

// mkdir makes a folder and those above it, durably.
func (l *local) mkdir(dir string) error {
	if _, err := l.root.Stat(dir); err == nil {
		return nil
	}
	parent := path.Dir(dir)
	if parent != "." {
		if err := l.mkdir(parent); err != nil {
			return err
		}
	}
	if err := l.root.Mkdir(dir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return l.sync(parent)
}

// sync writes a folder's entries to disk.
func (l *local) sync(dir string) error {
	d, err := l.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (l *local) Open(ctx context.Context, key string) (*Object, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := l.checkFile(key); err != nil {
		return nil, err
	}
	f, err := l.root.Open(key)
	if err != nil {
		return nil, notFound(key, err)
	}
	info, err := f.Stat()
	if err != nil { // of what was opened: the key may have changed hands since
		return nil, errors.Join(fmt.Errorf("open %s: %w", key, err), f.Close())
	}
	return &Object{
		ReadSeekCloser: f,
		Size:           info.Size(),
		ModTime:        info.ModTime(),
		ContentType:    contentType(key),
		ETag:           fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()),
	}, nil
}

// checkFile is ErrNotFound for everything that is not a plain file, before it is opened: to open a named pipe would block,
// and whoever gets a LocalPath would follow a symbolic link to anywhere.
func (l *local) checkFile(key string) error {
	info, err := l.root.Lstat(key)
	if err != nil {
		return notFound(key, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return nil
}

// notFound turns the ways in which a file can be missing into ErrNotFound.
func notFound(key string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return fmt.Errorf("blob %s: %w", key, err)
}

func (l *local) Move(ctx context.Context, from, to string) error {
	if err := errors.Join(CheckKey(from), CheckKey(to)); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.checkFile(from); err != nil {
		return err
	}
	if err := l.rename(from, to); err != nil {
		if errors.Is(err, fs.ErrNotExist) { // lost to another Move or Delete
			return fmt.Errorf("%w: %s", ErrNotFound, from)
		}
		return fmt.Errorf("move %s to %s: %w", from, to, noRoom(err)) // folders need room too
	}
	return nil
}

func (l *local) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := CheckKey(key); err != nil {
			return err
		}
	}
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.checkFile(key); errors.Is(err, ErrNotFound) {
			continue // also a folder: Remove would delete an empty one
		} else if err != nil {
			return err
		}
		if err := l.root.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete %s: %w", key, err)
		}
	}
	return nil
}

func (l *local) Sweep(ctx context.Context, prefix string, olderThan time.Duration) (int, error) {
	if err := CheckKey(strings.TrimSuffix(prefix, "/")); err != nil {
		return 0, err
	}
	limit := time.Now().Add(-olderThan)
	if _, err := l.sweep(ctx, tempDir+"/", limit); err != nil {
		return 0, err
	}
	return l.sweep(ctx, prefix, limit)
}

func (l *local) List(ctx context.Context, prefix string, olderThan time.Duration, page func(keys []string) error) error {
	if err := CheckKey(strings.TrimSuffix(prefix, "/")); err != nil {
		return err
	}
	batch := make([]string, 0, maxBatch)
	err := l.walk(ctx, prefix, time.Now().Add(-olderThan), func(name string) error {
		if batch = append(batch, name); len(batch) < maxBatch {
			return nil
		}
		err := page(batch)
		batch = batch[:0]
		return err
	})
	if err == nil && len(batch) > 0 {
		err = page(batch)
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", prefix, err)
	}
	return nil
}

// sweep deletes the files below prefix that were last written before limit. A Put that still runs has just written.
func (l *local) sweep(ctx context.Context, prefix string, limit time.Time) (deleted int, err error) {
	err = l.walk(ctx, prefix, limit, func(name string) error {
		if err := l.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		deleted++
		return nil
	})
	if err != nil {
		return deleted, fmt.Errorf("sweep %s: %w", prefix, err)
	}
	return deleted, nil
}

// walk calls each with the files below prefix that were last written before limit.
func (l *local) walk(ctx context.Context, prefix string, limit time.Time, each func(name string) error) error {
	return fs.WalkDir(l.root.FS(), path.Dir(prefix), func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return nil // nothing there yet, or somebody else has just deleted it
		case err != nil:
			return err
		case d.IsDir():
			if name == "." || strings.HasPrefix(name+"/", prefix) || strings.HasPrefix(prefix, name+"/") {
				return nil
			}
			return fs.SkipDir
		case !d.Type().IsRegular() || !strings.HasPrefix(name, prefix):
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(limit) {
			return nil
		}
		if err != nil {
			return err
		}
		return each(name)
	})
}

func (l *local) URL(_ context.Context, key string) (string, error) {
	if err := CheckKey(key); err != nil {
		return "", err
	}
	if l.publicURL == "" {
		return "", nil
	}
	return publicURL(l.publicURL, key), nil
}

func (l *local) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	name := tempDir + "/ping-" + rand.Text()
	if err := l.root.WriteFile(name, nil, 0o600); err != nil {
		return fmt.Errorf("blob: %w", noRoom(err))
	}
	if err := l.root.Remove(name); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}
