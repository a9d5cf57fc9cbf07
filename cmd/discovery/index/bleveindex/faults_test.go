package bleveindex_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/bleveindex"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func video(id, version int64, title string) index.Doc {
	return index.Doc{Kind: index.Videos, ID: id, Version: version, Title: title, Rank: float64(id)}
}

// built makes an index of 500 documents in two segments, at position 20.
func built(t *testing.T, e *bleveindex.Engine) {
	t.Helper()
	b, err := e.Build(t.Context())
	must(t, err)
	var docs []index.Doc
	for i := range int64(400) {
		docs = append(docs, video(i+1, 1, fmt.Sprintf("cat %d 小猫", i)))
	}
	must(t, b.Add(t.Context(), docs))
	must(t, b.Commit(t.Context(), 10))
	docs = docs[:0]
	for i := range int64(100) {
		docs = append(docs, video(1000+i, 20, fmt.Sprintf("cat %d 小猫", i)))
	}
	must(t, e.Apply(t.Context(), docs, 20))
}

// intact checks that all documents are found.
func intact(t *testing.T, e *bleveindex.Engine) {
	t.Helper()
	if p, err := e.Position(t.Context()); err != nil || p != 20 {
		t.Fatalf("position %d, %v", p, err)
	}
	sums, err := e.Sums(t.Context(), []index.Range{{Kind: index.Videos, To: 1 << 60}})
	if err != nil || sums[0].Docs != 500 {
		t.Fatalf("%+v, %v", sums, err)
	}
	hits, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: "小猫", Limit: 100})
	if err != nil || len(hits) != 100 || hits[0].ID != 1099 {
		t.Fatalf("%d hits, %v", len(hits), err)
	}
}

func closed(t *testing.T, e *bleveindex.Engine) {
	t.Helper()
	must(t, e.Close())
}

func readOnly(dir string) (*bleveindex.Engine, error) {
	return bleveindex.Open(bleveindex.Config{Dir: dir, ReadOnly: true}, slog.New(slog.DiscardHandler))
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir)
	built(t, e)
	if _, err := bleveindex.Open(bleveindex.Config{Dir: dir}, slog.New(slog.DiscardHandler)); !errors.Is(err, bleveindex.ErrInUse) {
		t.Errorf("a second one: %v", err)
	}
	if _, err := readOnly(dir); !errors.Is(err, bleveindex.ErrInUse) {
		t.Errorf("a second one that reads: %v", err)
	}
	b, err := e.Build(t.Context())
	must(t, err)
	must(t, b.Add(t.Context(), []index.Doc{video(1, 1, "dog")}))
	must(t, os.Mkdir(filepath.Join(dir, "index-old"), 0o700))
	must(t, os.Mkdir(filepath.Join(dir, "photos"), 0o700))
	closed(t, e)

	e = open(t, dir)
	intact(t, e)
	closed(t, e)
	if left := names(t, dir, "index-*"); len(left) != 1 {
		t.Errorf("%v is left", left)
	}
	if left := names(t, dir, "photos"); len(left) != 1 {
		t.Error("what is not of the index was removed")
	}

	e, err = readOnly(dir)
	must(t, err)
	intact(t, e)
	if err := e.Apply(t.Context(), []index.Doc{video(1, 30, "dog")}, 30); err == nil {
		t.Error("one that is open for reading takes changes")
	}
	if _, err := e.Build(t.Context()); err == nil {
		t.Error("one that is open for reading is built")
	}
	closed(t, e)
	if _, err := readOnly(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func names(t *testing.T, dir, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, pattern))
	must(t, err)
	return all
}

// damages are what may happen to the files of an index. Whether it is noticed at once is in lost.
func damages(t *testing.T, dir string) map[string]func() {
	first := func(pattern string) string {
		t.Helper()
		all := names(t, dir, pattern)
		if len(all) == 0 {
			t.Fatalf("no %s", pattern)
		}
		return all[0]
	}
	const segments, root = "index-*/*.zap", "index-*/root.bolt"
	cut := func(pattern string, to func(size int64) int64) func() {
		return func() {
			path := first(pattern)
			info, err := os.Stat(path)
			must(t, err)
			must(t, os.Truncate(path, to(info.Size())))
		}
	}
	return map[string]func(){
		"all removed":       func() { remove(t, dir) },
		"index removed":     func() { remove(t, first("index-*")) },
		"segment removed":   func() { must(t, os.Remove(first(segments))) },
		"root removed":      func() { must(t, os.Remove(first(root))) },
		"segment halved":    cut(segments, func(n int64) int64 { return n / 2 }),
		"segment emptied":   cut(segments, func(int64) int64 { return 0 }),
		"segment shortened": cut(segments, func(n int64) int64 { return n - 1 }),
	}
}

// remove removes a folder in which bleve may be making files.
func remove(t *testing.T, dir string) {
	t.Helper()
	for range 100 {
		if os.RemoveAll(dir) == nil {
			return
		}
	}
	t.Fatalf("%s does not go", dir)
}

func TestDamagedWhileClosed(t *testing.T) {
	for name := range damages(t, "") {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := open(t, dir)
			built(t, e)
			closed(t, e)
			damages(t, dir)[name]()
			e = open(t, dir)
			lost(t, e)
			closed(t, e)
		})
	}
	for name, damage := range map[string]func(dir string) error{
		"root emptied": func(dir string) error { return os.Truncate(names(t, dir, "index-*/root.bolt")[0], 0) },
		"root halved":  func(dir string) error { return os.Truncate(names(t, dir, "index-*/root.bolt")[0], 20_000) },
		"no current":   func(dir string) error { return os.Remove(filepath.Join(dir, "current")) },
		"odd current":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "current"), []byte("../../etc"), 0o600) },
		"current of another": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "current"), []byte("index-other"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := open(t, dir)
			built(t, e)
			closed(t, e)
			must(t, damage(dir))
			e = open(t, dir)
			lost(t, e)
			closed(t, e)
		})
	}
}

// lost checks that there is no index, and that another one can be built and opened again.
func lost(t *testing.T, e *bleveindex.Engine) {
	t.Helper()
	if _, err := e.Position(t.Context()); !errors.Is(err, index.ErrNoIndex) {
		t.Fatalf("position: %v", err)
	}
	if _, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: "cat", Limit: 1}); !errors.Is(err, index.ErrNoIndex) {
		t.Fatalf("search: %v", err)
	}
	if err := e.Apply(t.Context(), []index.Doc{video(1, 30, "dog")}, 30); !errors.Is(err, index.ErrNoIndex) {
		t.Fatalf("apply: %v", err)
	}
	built(t, e)
	intact(t, e)
}

// calm waits until bleve has merged all to one segment, and has removed the others.
func calm(t *testing.T, dir string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(10 * time.Second); len(names(t, dir, "index-*/*.zap")) > 1; {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("still %v", names(t, dir, "index-*/*.zap"))
		}
	}
}

func TestDamagedWhileOpen(t *testing.T) {
	for name := range damages(t, "") {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			e := open(t, dir)
			built(t, e)
			intact(t, e)
			calm(t, dir)
			damages(t, dir)[name]()
			lost(t, e)
			closed(t, e)
			e = open(t, dir)
			intact(t, e)
			closed(t, e)
		})
	}
	// Searches and changes that come before anybody looks at the files meet the damage themselves. They may work, from what is in memory.
	for name := range damages(t, "") {
		t.Run(name+", unseen", func(t *testing.T) {
			dir := t.TempDir()
			e := open(t, dir)
			built(t, e)
			damages(t, dir)[name]()
			for i := range int64(30) {
				_, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: fmt.Sprintf("cat %d", i), Limit: 100})
				if err != nil && !errors.Is(err, index.ErrNoIndex) {
					t.Errorf("search: %v", err)
				}
				if _, err := e.Sums(t.Context(), []index.Range{{Kind: index.Videos, To: 1 << 60}}); err != nil && !errors.Is(err, index.ErrNoIndex) {
					t.Errorf("sums: %v", err)
				}
				_ = e.Apply(t.Context(), []index.Doc{video(i, 30+i, "dog")}, 30+i) // may fail in any way, but not with the process
			}
			// It may have served until here, and may have written anew what was lost, from what it had in memory.
			if _, err := e.Position(t.Context()); err == nil {
				sums, err := e.Sums(t.Context(), []index.Range{{Kind: index.Videos, To: 1 << 60}})
				if err != nil || sums[0].Docs != 501 {
					t.Errorf("%+v, %v", sums, err)
				}
			} else {
				lost(t, e)
			}
			closed(t, e)
		})
	}
}

// TestRandomBytes: whatever stands in the files, an index is either as it was, or none.
func TestRandomBytes(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir)
	built(t, e)
	closed(t, e)
	whole := os.DirFS(dir)
	r := rand.New(rand.NewPCG(5, 6))
	kept := 0
	for round := range 60 {
		copied := filepath.Join(t.TempDir(), "copy")
		must(t, os.CopyFS(copied, whole))
		files := append(names(t, copied, "index-*/*"), filepath.Join(copied, "current"))
		path := files[r.IntN(len(files))]
		if round%3 == 0 {
			path = names(t, copied, "index-*/root.bolt")[0]
		}
		text, err := os.ReadFile(path)
		must(t, err)
		for range 1 + r.IntN(40) {
			text[r.IntN(len(text))] = byte(r.IntN(256))
		}
		must(t, os.WriteFile(path, text, 0o600))
		e := open(t, copied)
		if _, err := e.Position(t.Context()); err == nil {
			intact(t, e)
			kept++
		} else {
			lost(t, e)
		}
		closed(t, e)
	}
	t.Logf("%d of 60 still serve", kept)
}

// TestCannotWrite: when the disk does not take a change, it fails, the position stays, and what was there is found; later it goes on.
func TestCannotWrite(t *testing.T) {
	dir := t.TempDir()
	e := open(t, dir)
	built(t, e)
	// Folders stand where bleve wants to write its next files. When it opens the index again it goes on behind them.
	folder := names(t, dir, "index-*")[0]
	for i := range 200 {
		full := filepath.Join(dir, "full")
		must(t, os.MkdirAll(filepath.Join(full, "in the way"), 0o700))
		_ = os.Rename(full, filepath.Join(folder, fmt.Sprintf("%012x.zap", i))) // fails where there is a file
	}
	if err := e.Apply(t.Context(), []index.Doc{video(1, 30, "dog")}, 30); err == nil {
		t.Fatal("it is applied")
	}
	intact(t, e)
	dogs := index.Query{Kind: index.Videos, Text: "dog", Limit: 1}
	if hits, err := e.Search(t.Context(), dogs); err != nil || len(hits) != 0 {
		t.Fatalf("%v, %v", hits, err)
	}
	must(t, e.Apply(t.Context(), []index.Doc{video(1, 30, "dog")}, 30))
	if hits, err := e.Search(t.Context(), dogs); err != nil || len(hits) != 1 {
		t.Fatalf("%v, %v", hits, err)
	}
	closed(t, e)
}

// TestOldOnes: what fits may be older than thousands of others; then it is found, too, and in order.
func TestOldOnes(t *testing.T) {
	e := open(t, t.TempDir())
	defer closed(t, e)
	b, err := e.Build(t.Context())
	must(t, err)
	var docs []index.Doc
	for i := range int64(3000) {
		title := "new"
		if i < 300 {
			title = "old"
		}
		docs = append(docs, video(i+1, 1, title))
		if len(docs) == index.MaxBatch {
			must(t, b.Add(t.Context(), docs))
			docs = nil
		}
	}
	must(t, b.Commit(t.Context(), 1))
	q := index.Query{Kind: index.Videos, Text: "old", Limit: 70}
	want := int64(300)
	for {
		hits, err := e.Search(t.Context(), q)
		must(t, err)
		for _, h := range hits {
			if h.ID != want {
				t.Fatalf("%d, want %d", h.ID, want)
			}
			want--
			q.After = h.Cursor
		}
		if len(hits) < q.Limit {
			break
		}
	}
	if want != 0 {
		t.Errorf("it ends at %d", want)
	}
}
