// Package bleveindex is the search engine in the process: an index of bleve (its storage, scorch, and its segments) in a folder.
//
// Of bleve it takes what is hard: segments on disk, their merging, snapshots, and the automata of words with an edit. Queries are made of
// the segments' bitmaps here, because what fits equally well is ordered by rank, not by a score of each document (search.go).
package bleveindex

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/blevesearch/vellum/levenshtein"
	"github.com/gofrs/flock"

	"tiktok/cmd/discovery/index"
)

const (
	// currentFile names the folder of the index that serves.
	currentFile = "current"
	lockFile    = "lock"
	// prefix begins the names of the folders of indexes. What else is in the folder is not touched.
	prefix = "index-"
	// patience bounds what bleve does in the background: when its goroutines have ended by a fault, it would wait forever.
	patience = 20 * time.Second
)

// ErrInUse means that another process has the folder open.
var ErrInUse = errors.New("index: another process uses the folder")

// Config is where the index is.
type Config struct {
	// Dir is a folder of one process at a time. It is made when missing.
	Dir string
	// ReadOnly leaves everything as it is: for the audit, while the service does not run.
	ReadOnly bool
}

// Engine is index.Engine on bleve.
type Engine struct {
	cfg   Config
	log   *slog.Logger
	lock  *flock.Flock
	fuzzy *levenshtein.LevenshteinAutomatonBuilder

	// mu guards what follows. Searches hold it only to take a snapshot.
	mu       sync.RWMutex
	cur      *store // nil: no index
	building *build
	// retired are folders of indexes that are being closed, and then removed; retiring waits for them.
	retired  map[string]bool
	retiring sync.WaitGroup
}

var _ index.Engine = (*Engine)(nil)

// Open opens the index in a folder. One that is corrupt, incomplete or of another version of this package is removed; then there is none.
// Fails with ErrInUse while another process has it open.
func Open(cfg Config, log *slog.Logger) (*Engine, error) {
	if cfg.Dir == "" {
		return nil, errors.New("index: no folder")
	}
	fuzzy, err := levenshtein.NewLevenshteinAutomatonBuilder(1, true)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	e := &Engine{cfg: cfg, log: log, fuzzy: fuzzy, retired: map[string]bool{}}
	if err := e.takeFolder(); err != nil {
		return nil, err
	}
	if version := e.readCurrent(); version != "" {
		s, err := openStore(filepath.Join(cfg.Dir, version), version, cfg.ReadOnly, log)
		if err != nil {
			log.Error("index is unusable", "dir", cfg.Dir, "version", version, "error", err)
		} else {
			e.cur = s
		}
	}
	e.clean()
	return e, nil
}

// takeFolder makes the folder and takes its lock. Again when somebody has removed it.
func (e *Engine) takeFolder() error {
	path := filepath.Join(e.cfg.Dir, lockFile)
	if e.lock != nil {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		_ = e.lock.Close() // of a file that is no more
	}
	if !e.cfg.ReadOnly {
		if err := os.MkdirAll(e.cfg.Dir, 0o700); err != nil {
			return fmt.Errorf("index: %w", err)
		}
	} else if _, err := os.Stat(e.cfg.Dir); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	e.lock = flock.New(path)
	free, err := e.lock.TryLock()
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if !free {
		return fmt.Errorf("%w %s", ErrInUse, e.cfg.Dir)
	}
	return nil
}

// readCurrent is the name of the folder that serves; empty when there is none.
func (e *Engine) readCurrent() string {
	text, err := os.ReadFile(filepath.Join(e.cfg.Dir, currentFile))
	name := strings.TrimSpace(string(text))
	if err != nil || !strings.HasPrefix(name, prefix) || name != filepath.Base(name) {
		return ""
	}
	return name
}

// retire closes an index, which searches in flight may still read, and removes it. The caller holds mu.
func (e *Engine) retire(s *store) {
	e.retired[s.dir] = true
	e.retiring.Go(func() {
		if err := s.close(); err != nil && !errors.Is(err, os.ErrNotExist) { // which is no surprise when it was removed
			e.log.Warn("an old index does not close", "dir", s.dir, "error", err)
		}
		if !e.cfg.ReadOnly {
			if err := os.RemoveAll(s.dir); err != nil {
				e.log.Warn("an old index stays", "dir", s.dir, "error", err)
			}
		}
		e.mu.Lock()
		delete(e.retired, s.dir)
		e.mu.Unlock()
	})
}

// clean removes the folders of all indexes but the one that serves and the one that is built.
func (e *Engine) clean() {
	if e.cfg.ReadOnly {
		return
	}
	left, err := filepath.Glob(filepath.Join(e.cfg.Dir, prefix+"*"))
	if err != nil {
		return // only for a bad pattern
	}
	for _, path := range left {
		if e.retired[path] || e.cur != nil && path == e.cur.dir || e.building != nil && path == e.building.dir {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			e.log.Warn("an old index stays", "dir", path, "error", err)
		}
	}
}

// current is the index that serves, with a snapshot of it, which is to be closed.
func (e *Engine) current() (*store, *snapshot, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.cur == nil {
		return nil, nil, index.ErrNoIndex
	}
	snap, err := e.cur.snapshot()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", index.ErrNoIndex, err)
	}
	return e.cur, snap, nil
}

// lose takes an index out of service, unless another one serves meanwhile.
func (e *Engine) lose(s *store, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cur != s {
		return
	}
	e.log.Error("index is lost", "dir", s.dir, "error", why)
	e.cur = nil
	e.retire(s)
}

// failed decides what an error while reading means: a damaged index is none any more, any other error is what it is.
func (e *Engine) failed(s *store, err error) error {
	if damage := s.damage(); damage != nil {
		e.lose(s, damage)
		return fmt.Errorf("%w: %w", index.ErrNoIndex, damage)
	}
	return err
}

// Position implements index.Engine. It looks whether the files are still there.
func (e *Engine) Position(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s, snap, err := e.current()
	if err != nil {
		return 0, err
	}
	defer snap.close()
	if err := s.present(snap); err != nil {
		e.lose(s, err)
		return 0, fmt.Errorf("%w: %w", index.ErrNoIndex, err)
	}
	if s.sick.Swap(false) { // bleve has met an error in the background
		if damage := s.damage(); damage != nil {
			e.lose(s, damage)
			return 0, fmt.Errorf("%w: %w", index.ErrNoIndex, damage)
		}
		if err := e.reopen(s); err != nil {
			return 0, err
		}
		_, again, err := e.current()
		if err != nil {
			return 0, err
		}
		defer again.close()
		return again.number(positionKey), nil
	}
	return snap.number(positionKey), nil
}

// reopen reads an index from disk again: what is in memory only is forgotten.
func (e *Engine) reopen(s *store) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cur != s {
		return nil
	}
	e.cur = nil
	err := s.close()
	if err == nil {
		var again *store
		if again, err = openStore(s.dir, s.version, e.cfg.ReadOnly, e.log); err == nil {
			e.cur = again
			return nil
		}
	}
	e.log.Error("index is lost", "dir", s.dir, "error", err)
	return fmt.Errorf("%w: %w", index.ErrNoIndex, err)
}

// Info implements index.Engine.
func (e *Engine) Info(ctx context.Context) (index.Info, error) {
	if err := ctx.Err(); err != nil {
		return index.Info{}, err
	}
	s, snap, err := e.current()
	if err != nil {
		return index.Info{}, err
	}
	defer snap.close()
	info := index.Info{Engine: "bleve", Version: s.version}
	for _, seg := range snap.segments {
		info.Docs += int64(seg.Count()) //nolint:gosec // of one machine's disk
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return info, e.failed(s, err)
	}
	for _, entry := range entries {
		if file, err := entry.Info(); err == nil { // bleve may have removed it just now
			info.Bytes += file.Size()
		}
	}
	return info, nil
}

// Close implements index.Engine.
func (e *Engine) Close() error {
	errs := []error{e.stopBuilding()}
	e.retiring.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cur != nil {
		errs = append(errs, e.cur.close())
		e.cur = nil
	}
	return errors.Join(append(errs, e.lock.Close())...)
}
