package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"tiktok/pkg/disk"
	"tiktok/pkg/ostest"
)

func TestLow(t *testing.T) {
	dir := ostest.SmallDisk(t, "10m")
	low := func(reserve int64) bool { return disk.Low(filepath.Join(dir, "not", "yet"), reserve) }
	if size, avail, err := disk.Space(dir); err != nil || size != 10<<20 || avail != size {
		t.Fatalf("an empty disk has %d of %d bytes, %v", avail, size, err)
	}
	fill := func(bytes int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, bytes), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if low(1 << 30) {
		t.Error("a small disk that is empty is low")
	}
	fill(9 << 20) // a tenth is left
	if low(1<<30) || low(256<<10) {
		t.Error("a tenth of a small disk is too little")
	}
	fill(9<<20 + 768<<10) // 256 KiB are left, which is less than a twentieth
	if !low(1<<30) || low(128<<10) || low(0) {
		t.Error("the reserve is not what is asked for, at most a twentieth")
	}
}
