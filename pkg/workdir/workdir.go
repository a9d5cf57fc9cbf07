// Package workdir gives each process a folder of its own for temporary files, which does not outlive it for long.
package workdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Dir is a folder of this process. It holds a lock on it, which the system takes away when the process ends, however that
// ends: so others can tell what a killed process has left.
type Dir struct {
	path string
	lock *flock.Flock
}

// Open makes a folder below parent, which is made too, whose name begins with prefix. It first removes the folders of that
// prefix whose processes are no more. Any number of processes may share parent.
func Open(parent, prefix string) (*Dir, error) {
	d, err := open(parent, prefix)
	if err != nil {
		return nil, fmt.Errorf("folder for temporary files: %w", err)
	}
	return d, nil
}

func open(parent, prefix string) (d *Dir, err error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	// Nobody cleans while another makes its folder and has no lock on it yet.
	gate := flock.New(filepath.Join(parent, "lock"))
	if err := gate.Lock(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gate.Close()) }()
	if err := clean(parent, prefix); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	lock := flock.New(lockOf(path))
	if err := lock.Lock(); err != nil {
		return nil, err
	}
	return &Dir{path: path, lock: lock}, nil
}

// lockOf is the lock of a folder, beside it.
func lockOf(path string) string {
	parent, name := filepath.Split(path)
	return filepath.Join(parent, "."+name+".lock")
}

// clean removes the folders that nobody has a lock on.
func clean(parent, prefix string) error {
	left, err := filepath.Glob(filepath.Join(parent, prefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		lock := flock.New(lockOf(path))
		free, err := lock.TryLock()
		if err != nil {
			return err
		}
		if !free {
			continue
		}
		if err := remove(path, lock); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a folder and then its lock, which nobody else may want any more.
func remove(path string, lock *flock.Flock) error {
	err := errors.Join(os.RemoveAll(path), lock.Close())
	if gone := os.Remove(lockOf(path)); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// Path is that of the folder.
func (d *Dir) Path() string { return d.path }

// Close removes the folder with everything in it.
func (d *Dir) Close() error { return remove(d.path, d.lock) }
