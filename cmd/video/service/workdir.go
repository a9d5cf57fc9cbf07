package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const workPrefix = "worker-"

// makeDir makes this process's own folder below Dir, and removes those of processes that are no more. A process holds a
// lock on its folder, which the system takes away when the process ends, however it ends. remove removes it.
func (w *worker) makeDir() (remove func(), err error) {
	if err := os.MkdirAll(w.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("media work folder: %w", err)
	}
	// Nobody cleans while another makes its folder and has no lock on it yet.
	gate, err := os.OpenFile(filepath.Join(w.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("media work folder: %w", err)
	}
	defer gate.Close()
	if err := syscall.Flock(int(gate.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("media work folder: %w", err)
	}
	if err := w.cleanDirs(); err != nil {
		return nil, fmt.Errorf("media work folder: %w", err)
	}
	dir, err := os.MkdirTemp(w.Dir, workPrefix)
	if err != nil {
		return nil, fmt.Errorf("media work folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("media work folder: %w", err)
	}
	w.dir = dir
	return func() {
		w.removeAll(dir)
		_ = lock.Close()
	}, nil
}

func (w *worker) cleanDirs() error {
	left, err := filepath.Glob(filepath.Join(w.Dir, workPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		lock, err := lockFolder(dir)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return err
		}
		w.removeAll(dir)
		_ = lock.Close()
	}
	return nil
}

func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
