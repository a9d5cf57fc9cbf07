package app

import (
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockDir makes sure that no second process works on the same data folder. The system lets go of the lock when the
// process ends, however it ends.
func lockDir(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, "lock"))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("data folder %s is in use by another process (choose another with --data)", dir)
	}
	return lock, nil
}
