package app

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockDir makes sure that no second process works on the same data folder. The system lets go of the lock when the
// process ends, however it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // the lock's error is the one to tell
		return nil, fmt.Errorf("data folder %s is in use by another process (choose another with -data)", dir)
	}
	return f, nil
}
