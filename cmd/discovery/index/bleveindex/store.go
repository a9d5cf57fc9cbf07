package bleveindex

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
	bleve "github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// format is raised when documents are indexed in another way. An index of another format is built again.
const format = 1

// Numbers that an index holds beside its documents; they move with them.
const (
	formatKey   = "format"
	positionKey = "position"
	// highestKey is the highest version of a document, which after a build may be above the position.
	highestKey = "highest"
)

// registry guards bleve's table of callbacks: an entry is there only while an index is made.
var registry sync.Mutex //nolint:gochecknoglobals // as that table is

// store is one index of bleve, in a folder.
type store struct {
	dir, version string
	readOnly     bool
	log          *slog.Logger
	scorch       *scorch.Scorch
	analysis     *bleve.AnalysisQueue
	closing      chan struct{}
	closed       sync.Once
	closeErr     error
	// sick: bleve has met an error in the background.
	sick atomic.Bool
}

// openStore opens an index that exists.
func openStore(dir, version string, readOnly bool, log *slog.Logger) (*store, error) {
	if err := errors.Join(checkRoot(dir), checkFiles(dir)); err != nil {
		return nil, err
	}
	if !readOnly {
		if err := os.Remove(sumFile(dir)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	s, err := newStore(dir, version, readOnly, log)
	if err != nil {
		return nil, err
	}
	snap, err := s.snapshot()
	if err == nil {
		if got := snap.number(formatKey); got != format {
			err = fmt.Errorf("it has format %d, not %d", got, format)
		}
		snap.close()
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// newStore opens an index, or makes an empty one.
func newStore(dir, version string, readOnly bool, log *slog.Logger) (s *store, err error) {
	defer guard(&err)()
	s = &store{dir: dir, version: version, readOnly: readOnly, log: log, closing: make(chan struct{})}
	s.analysis = bleve.NewAnalysisQueue(runtime.GOMAXPROCS(0))
	registry.Lock()
	scorch.RegistryEventCallbacks[dir] = s.onEvent
	scorch.RegistryAsyncErrorCallbacks[dir] = s.onError
	made, err := scorch.NewScorch(scorch.Name, map[string]any{
		"path":                   dir,
		"read_only":              readOnly,
		"bolt_timeout":           "2s", // without it a second one would wait forever
		"numSnapshotsToKeep":     1,
		"eventCallbackName":      dir,
		"asyncErrorCallbackName": dir,
	}, s.analysis)
	delete(scorch.RegistryEventCallbacks, dir)
	delete(scorch.RegistryAsyncErrorCallbacks, dir)
	registry.Unlock()
	if err != nil {
		s.analysis.Close()
		return nil, err
	}
	s.scorch = made.(*scorch.Scorch)
	opened := false
	defer func() {
		if !opened {
			s.analysis.Close()
		}
	}()
	if err := s.scorch.Open(); err != nil {
		return nil, err
	}
	opened = true
	return s, nil
}

// onEvent runs in bleve's goroutines. Files are mapped into memory: one that somebody makes shorter is a fault, which shall be an error of
// that goroutine and not the end of the process.
func (s *store) onEvent(scorch.Event) bool {
	debug.SetPanicOnFault(true)
	return true
}

// onError runs in bleve's goroutines, which try again at once.
func (s *store) onError(err error, _ string) {
	s.sick.Store(true)
	s.log.Error("index in the background", "dir", s.dir, "error", err)
	select {
	case <-s.closing:
	case <-time.After(200 * time.Millisecond):
	}
}

// close waits for bleve's goroutines, but not forever.
func (s *store) close() error {
	s.closed.Do(func() {
		close(s.closing)
		done := make(chan error, 1)
		go func() {
			var err error
			defer func() { done <- err }()
			defer guard(&err)()
			err = s.scorch.Close()
			s.analysis.Close()
		}()
		select {
		case s.closeErr = <-done:
			if s.closeErr == nil && !s.readOnly {
				s.closeErr = signRoot(s.dir)
			}
		case <-time.After(patience):
			s.closeErr = errors.New("it does not close")
		}
	})
	return s.closeErr
}

// snapshot is the index as it is now.
type snapshot struct {
	*scorch.IndexSnapshot
	segments []*scorch.SegmentSnapshot
}

func (s *store) snapshot() (*snapshot, error) {
	r, err := s.scorch.Reader()
	if err != nil {
		return nil, err
	}
	is, ok := r.(*scorch.IndexSnapshot)
	if !ok || is == nil {
		return nil, errors.New("it is closed")
	}
	return &snapshot{IndexSnapshot: is, segments: is.Segments()}, nil
}

func (s *snapshot) close() { _ = s.Close() } // of files that are only read

// number reads a number that is held beside the documents, 0 when there is none.
func (s *snapshot) number(key string) int64 {
	if v := s.Internal()[key]; len(v) == 8 {
		return int64(binary.BigEndian.Uint64(v)) //nolint:gosec // as it was written
	}
	return 0
}

func number(n int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(n)) //nolint:gosec // read as it is written
}

// present fails when files of a snapshot are gone, or have another size than what is mapped of them. It costs one look at each file's
// entry.
func (s *store) present(snap *snapshot) error {
	for _, seg := range snap.segments {
		mapped, ok := seg.Segment().(interface {
			segment.PersistedSegment
			Data() []byte
		})
		if !ok {
			continue // it is in memory yet
		}
		file, err := os.Stat(mapped.Path())
		if err != nil {
			return err
		}
		if file.Size() != int64(len(mapped.Data())) {
			return fmt.Errorf("%s has %d bytes, not %d", mapped.Path(), file.Size(), len(mapped.Data()))
		}
	}
	_, err := os.Stat(rootFile(s.dir))
	return err
}

// damage is what is wrong with the files, nil when nothing is.
func (s *store) damage() error { return checkFiles(s.dir) }

// guard makes a panic, or a fault while reading a mapped file, the error of the function that defers what it returns.
func guard(err *error) func() {
	was := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(was)
		if p := recover(); p != nil {
			*err = fmt.Errorf("index: panic: %v", p)
		}
	}
}
