package bleveindex

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
	bleve "github.com/blevesearch/bleve_index_api"

	"tiktok/cmd/discovery/index"
)

// buildSegment is how many documents a segment has before it is merged: fewer cost more merging, more cost memory.
const buildSegment = 20_000

// errReadOnly is returned for changes of an index that was opened to be read.
var errReadOnly = errors.New("index: it is open for reading only")

// errOver is returned for a build that was committed, aborted, or replaced by another one.
var errOver = errors.New("index: the build is over")

// build writes segments beside the index that serves, and merges them to one at the end.
type build struct {
	e            *Engine
	dir, version string

	mu      sync.Mutex
	builder *scorch.Builder // nil once it is over
	docs    int64
	highest int64
}

var _ index.Build = (*build)(nil)

// Build implements index.Engine.
func (e *Engine) Build(ctx context.Context) (index.Build, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.cfg.ReadOnly {
		return nil, errReadOnly
	}
	if err := e.stopBuilding(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.takeFolder(); err != nil {
		return nil, err
	}
	e.clean()
	version := prefix + strconv.FormatInt(time.Now().UnixNano(), 36)
	b := &build{e: e, version: version, dir: filepath.Join(e.cfg.Dir, version)}
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	builder, err := scorch.NewBuilder(map[string]any{
		"path": b.dir, "buildPathPrefix": b.dir, "batchSize": buildSegment, "mergeMax": 100,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("index: %w", err), os.RemoveAll(b.dir))
	}
	b.builder, e.building = builder, b
	return b, nil
}

// stopBuilding removes what is being built. A build locks itself before the engine, so this must not hold the engine's lock meanwhile.
func (e *Engine) stopBuilding() error {
	e.mu.Lock()
	b := e.building
	e.building = nil
	e.mu.Unlock()
	if b == nil {
		return nil
	}
	return b.remove()
}

// Add implements index.Build.
func (b *build) Add(ctx context.Context, docs []index.Doc) (err error) {
	defer guard(&err)()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.over(ctx); err != nil {
		return err
	}
	for i := range docs {
		if err := b.builder.Index(toDocument(&docs[i])); err != nil {
			return fmt.Errorf("index: %w", err)
		}
		b.docs++
		b.highest = max(b.highest, docs[i].Version)
	}
	return nil
}

func (b *build) over(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.builder == nil {
		return errOver
	}
	return nil
}

// Commit implements index.Build.
func (b *build) Commit(ctx context.Context, position int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.over(ctx); err != nil {
		return err
	}
	s, err := b.finish(position)
	if err != nil {
		return errors.Join(err, b.removeLocked())
	}
	b.e.mu.Lock()
	defer b.e.mu.Unlock()
	if b.e.building != b { // another build, or Close, came meanwhile
		return errors.Join(errOver, s.close(), b.removeLocked())
	}
	if err := b.e.writeCurrent(b.version); err != nil {
		return errors.Join(err, s.close(), b.removeLocked())
	}
	b.builder = nil
	old := b.e.cur
	b.e.cur, b.e.building = s, nil
	if old != nil {
		b.e.retire(old)
	}
	return nil
}

// finish merges the segments and opens the index.
func (b *build) finish(position int64) (s *store, err error) {
	defer guard(&err)()
	if b.docs > 0 {
		if err := b.builder.Close(); err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
	} else if err := os.RemoveAll(b.dir); err != nil { // bleve can't build an empty one
		return nil, fmt.Errorf("index: %w", err)
	}
	if s, err = newStore(b.dir, b.version, false, b.e.log); err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	batch := bleve.NewBatch()
	batch.SetInternal([]byte(formatKey), number(format))
	batch.SetInternal([]byte(positionKey), number(position))
	batch.SetInternal([]byte(highestKey), number(b.highest))
	if err := s.batch(batch); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// writeCurrent makes an index the one that serves after a restart, too.
func (e *Engine) writeCurrent(version string) error {
	path := filepath.Join(e.cfg.Dir, currentFile)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	_, err = f.WriteString(version + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(e.cfg.Dir)
	}
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Abort implements index.Build.
func (b *build) Abort() error {
	b.e.mu.Lock()
	if b.e.building == b {
		b.e.building = nil
	}
	b.e.mu.Unlock()
	return b.remove()
}

func (b *build) remove() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.removeLocked()
}

func (b *build) removeLocked() error {
	if b.builder == nil {
		return nil
	}
	b.builder = nil
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return nil
}
