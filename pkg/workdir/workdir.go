// Package workdir gives each process a folder of its own for temporary files, which does not outlive it for long.
package workdir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Dir is a folder of this process. It holds a lock on it, which the system takes away when the process ends, however that
// ends: so others can tell what a killed process has left.
type Dir struct {
	path string
	lock *os.File
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

func open(parent, prefix string) (*Dir, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	// Nobody cleans while another makes its folder and has no lock on it yet.
	gate, err := os.OpenFile(filepath.Join(parent, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer gate.Close()
	if err := syscall.Flock(int(gate.Fd()), syscall.LOCK_EX); err != nil {
		return nil, err
	}
	if err := clean(parent, prefix); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	lock, err := lockFolder(path)
	if err != nil {
		return nil, err
	}
	return &Dir{path: path, lock: lock}, nil
}

// clean removes the folders that nobody has a lock on.
func clean(parent, prefix string) error {
	left, err := filepath.Glob(filepath.Join(parent, prefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		lock, err := lockFolder(path)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return err
		}
		err = os.RemoveAll(path)
		if err = errors.Join(err, lock.Close()); err != nil {
			return err
		}
	}
	return nil
}

func lockFolder(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // only read
		return nil, err
	}
	return f, nil
}

// Path is that of the folder.
func (d *Dir) Path() string { return d.path }

// Close removes the folder with everything in it.
func (d *Dir) Close() error { return errors.Join(os.RemoveAll(d.path), d.lock.Close()) }
