package bleveindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

func rootFile(dir string) string { return filepath.Join(dir, "root.bolt") }

// checkFiles compares the segments of an index with the checksums at their ends. A segment that the root does not name was being written
// when a process died, and is left to bleve, which removes it.
func checkFiles(dir string) error {
	root, err := os.ReadFile(rootFile(dir))
	if err != nil {
		return err
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*.zap"))
	if err != nil {
		return err
	}
	for _, path := range segments {
		err := checkSegment(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) && bytes.Contains(root, []byte(filepath.Base(path))) {
			return err
		}
	}
	return nil
}

// sumFile has the checksum of the root of an index that was closed. One that a process left without closing has none: what was written
// last is then up to bolt, which makes sure of it.
func sumFile(dir string) string { return filepath.Join(dir, "root.sum") }

// signRoot writes the checksum of the root.
func signRoot(dir string) error {
	root, err := os.ReadFile(rootFile(dir))
	if err != nil {
		return err
	}
	return os.WriteFile(sumFile(dir), binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(root)), 0o600)
}

// checkRoot compares the root with its checksum, if there is one.
func checkRoot(dir string) error {
	want, err := os.ReadFile(sumFile(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	root, err := os.ReadFile(rootFile(dir))
	if err != nil {
		return err
	}
	if !bytes.Equal(want, binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(root))) {
		return fmt.Errorf("%s is corrupt", rootFile(dir))
	}
	return nil
}

// checkSegment reads a file, whose last four bytes are the CRC-32 of all before.
func checkSegment(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() < 4 {
		return fmt.Errorf("%s is truncated", path)
	}
	sum := crc32.NewIEEE()
	if _, err := io.CopyN(sum, f, info.Size()-4); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var want [4]byte
	if _, err := io.ReadFull(f, want[:]); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if binary.BigEndian.Uint32(want[:]) != sum.Sum32() {
		return fmt.Errorf("%s is corrupt", path)
	}
	return nil
}
