package fault_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/errno"
	"tiktok/pkg/ostest"
	"tiktok/test/harness"
)

// diskBytes is the size of the disk: room for what a storm stores.
const diskBytes = "64m"

// TestDiskFull fills the disk of the all-in-one in the middle of a storm, kills it there, and makes room again.
func TestDiskFull(t *testing.T) {
	guard(t)
	disk := ostest.SmallDisk(t, diskBytes)
	d := harness.AllInOneProcess(t, harness.WithoutLimits(), harness.Dir(filepath.Join(disk, "data")))
	t.Run("the disk of the all-in-one is full", func(t *testing.T) {
		s := newStorm(t, d)
		s.more(t, before, stormy)
		filler := filepath.Join(disk, "filler")
		fill(t, filler)
		harness.Eventually(t, stormy, func() error {
			if len(s.failures()) == 0 {
				return errors.New("no write has failed yet")
			}
			return nil
		})
		n := during(t.Context(), outage()/4, func() { s.author.Feed(t, 0) }) // reads go on
		t.Logf("%d feeds with a full disk, failures %v", n, s.failures())
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		t.Logf("healed after %v", s.heals(t, heal))
		s.answered(t)
		for answer := range s.failures() { // "no room" is no fault of ours
			if strings.Contains(answer, fmt.Sprint(errno.Internal.Code)) {
				t.Errorf("answered %s with a full disk", answer)
			}
		}
		fill(t, filler)
		during(t.Context(), time.Second, func() { probe(t, d) })
		d.Kill(t, config.AllInOne)
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		d.Revive(t, config.AllInOne)
		t.Logf("healed %v after it was ready again", s.heals(t, heal))
		s.more(t, after, stormy)
		s.verify(t)
	})
}

// fill writes a file until the disk has no room left.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if cerr := f.Close(); cerr != nil || !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(errors.Join(err, cerr))
	}
}
