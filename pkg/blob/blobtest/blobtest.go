// Package blobtest checks that a blob.Store keeps the promises of its comments.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"tiktok/pkg/blob"
)

// Run checks a store. open returns an empty one each time.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	t.Helper()
	for _, c := range []struct {
		name string
		fn   func(t *testing.T, s blob.Store)
	}{
		{"RoundTrip", roundTrip},
		{"Sizes", sizes},
		{"Seek", seek},
		{"NotFound", notFound},
		{"BadKeys", badKeys},
		{"Overwrite", overwrite},
		{"FailedPut", failedPut},
		{"CancelledPut", cancelledPut},
		{"CancelledLargePut", cancelledLargePut},
		{"Move", move},
		{"Delete", deleteKeys},
		{"Sweep", sweep},
		{"List", list},
		{"ManyObjects", manyObjects},
		{"OpenStaysReadable", openStaysReadable},
		{"ServeContent", serveContent},
		{"ConcurrentPuts", concurrentPuts},
		{"ConcurrentMoves", concurrentMoves},
		{"URLOfBadKey", urlOfBadKey},
		{"Ping", ping},
	} {
		t.Run(c.name, func(t *testing.T) { c.fn(t, open(t)) })
	}
}

func put(t *testing.T, s blob.Store, key, content string) {
	t.Helper()
	n, err := s.Put(t.Context(), key, strings.NewReader(content), "text/plain")
	if err != nil {
		t.Fatalf("Put(%s): %v", key, err)
	}
	if n != int64(len(content)) {
		t.Errorf("Put(%s) = %d bytes, want %d", key, n, len(content))
	}
}

func get(t *testing.T, s blob.Store, key string) string {
	t.Helper()
	o, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatalf("Open(%s): %v", key, err)
	}
	defer closeObject(t, o)
	data, err := io.ReadAll(o)
	if err != nil {
		t.Fatalf("read %s: %v", key, err)
	}
	if o.Size != int64(len(data)) {
		t.Errorf("Size of %s = %d, but it holds %d bytes", key, o.Size, len(data))
	}
	return string(data)
}

func closeObject(t *testing.T, o *blob.Object) {
	t.Helper()
	if err := o.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func wantMissing(t *testing.T, s blob.Store, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if o, err := s.Open(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Open(%s) = %v, %v; want ErrNotFound", key, o, err)
		}
	}
}

func roundTrip(t *testing.T, s blob.Store) {
	big := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	longest := strings.Repeat(strings.Repeat("k", 127)+"/", 2)[:blob.MaxKey]
	for key, content := range map[string]string{
		"a": "one", "videos/ab/123.mp4": big, "empty.txt": "", "UPPER/lower_0-9.x..y": "safe", longest: "long",
	} {
		before := time.Now().Add(-time.Minute)
		put(t, s, key, content)
		if got := get(t, s, key); got != content {
			t.Errorf("%s holds %d bytes, want %d", key, len(got), len(content))
		}
		o, err := s.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if o.ModTime.Before(before) || o.ModTime.After(time.Now().Add(time.Minute)) {
			t.Errorf("ModTime of %s = %v", key, o.ModTime)
		}
		if len(o.ETag) < 3 || o.ETag[0] != '"' || o.ETag[len(o.ETag)-1] != '"' {
			t.Errorf("ETag of %s = %s, want it strong and quoted", key, o.ETag)
		}
		closeObject(t, o)
	}
	for key, want := range map[string]string{
		"t/v.mp4": "video/mp4", "t/c.jpg": "image/jpeg", "t/a.png": "image/png",
	} {
		if _, err := s.Put(t.Context(), key, strings.NewReader("x"), want); err != nil {
			t.Fatal(err)
		}
		o, err := s.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if o.ContentType != want {
			t.Errorf("ContentType of %s = %q, want %q", key, o.ContentType, want)
		}
		closeObject(t, o)
	}
}

func notFound(t *testing.T, s blob.Store) {
	put(t, s, "d/file", "x")
	wantMissing(t, s, "nothing", "no/such/thing", "d", "d/fil", "d/file/below", "d/file2")
	if err := s.Move(t.Context(), "nothing", "d/other"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Move of nothing = %v, want ErrNotFound", err)
	}
	if err := s.Move(t.Context(), "d", "e"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Move of a folder = %v, want ErrNotFound", err)
	}
	if got := get(t, s, "d/file"); got != "x" {
		t.Errorf("d/file = %q", got)
	}
}

func badKeys(t *testing.T, s blob.Store) {
	put(t, s, "good", "x")
	for _, key := range []string{
		"", "/", ".", "..", "/a", "a/", "a//b", "./a", "a/./b", "../a", "a/../b", "a/..", ".hidden", "a/.hidden",
		`a\b`, `..\a`, "a b", "a\x00b", "a\nb", "a:b", "a%2e", "a?b", "a#b", "a*b", "~", "ä", "视频", "\xff",
		"C:", "/etc/passwd", strings.Repeat("k", blob.MaxKey+1), strings.Repeat("../", 20) + "etc/passwd",
	} {
		if n, err := s.Put(t.Context(), key, strings.NewReader("evil"), ""); !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("Put(%q) = %d, %v; want ErrBadKey", key, n, err)
		}
		if o, err := s.Open(t.Context(), key); !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("Open(%q) = %v, %v; want ErrBadKey", key, o, err)
		}
		if err := s.Move(t.Context(), "good", key); !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("Move to %q = %v; want ErrBadKey", key, err)
		}
		if err := s.Move(t.Context(), key, "stolen"); !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("Move from %q = %v; want ErrBadKey", key, err)
		}
		if err := s.Delete(t.Context(), "good", key); !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("Delete(good, %q) = %v; want ErrBadKey", key, err)
		}
	}
	for _, prefix := range []string{"", "/", ".", "../", "a//", "a/../", "*"} {
		if n, err := s.Sweep(t.Context(), prefix, 0); !errors.Is(err, blob.ErrBadKey) {
			t.Errorf("Sweep(%q) = %d, %v; want ErrBadKey", prefix, n, err)
		}
	}
	if got := get(t, s, "good"); got != "x" {
		t.Errorf("good = %q: a call with a bad key did something", got)
	}
}

func overwrite(t *testing.T, s blob.Store) {
	tags := map[string]bool{}
	for _, content := range []string{"first", "2nd", "third"} { // first and third are as long
		put(t, s, "key", content)
		if got := get(t, s, "key"); got != content {
			t.Errorf("got %q, want %q", got, content)
		}
		o, err := s.Open(t.Context(), "key")
		if err != nil {
			t.Fatal(err)
		}
		tags[o.ETag] = true
		closeObject(t, o)
	}
	if len(tags) != 3 {
		t.Errorf("three contents have %d entity tags", len(tags))
	}
}

func failedPut(t *testing.T, s blob.Store) {
	broken := errors.New("line broke")
	fail := func() io.Reader { return io.MultiReader(strings.NewReader("half of it"), iotest.ErrReader(broken)) }
	if n, err := s.Put(t.Context(), "new", fail(), ""); !errors.Is(err, broken) || n != 0 {
		t.Errorf("Put = %d, %v; want 0 and the reader's error", n, err)
	}
	wantMissing(t, s, "new")
	// What a cut connection makes of a form: no end of the file, although io.ReadFull speaks of its end so.
	cut := io.MultiReader(strings.NewReader("half of it"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if n, err := s.Put(t.Context(), "cut", cut, ""); !errors.Is(err, io.ErrUnexpectedEOF) || n != 0 {
		t.Errorf("Put = %d, %v; want 0 and the reader's error", n, err)
	}
	wantMissing(t, s, "cut")
	put(t, s, "old", "whole")
	if _, err := s.Put(t.Context(), "old", fail(), ""); !errors.Is(err, broken) {
		t.Errorf("Put = %v, want the reader's error", err)
	}
	if got := get(t, s, "old"); got != "whole" {
		t.Errorf("after a failed overwrite: %q", got)
	}
}

func cancelledPut(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	r := readerFunc(func(p []byte) (int, error) { // endless until ctx ends
		cancel()
		return len(p), nil
	})
	if _, err := s.Put(ctx, "endless", r, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v, want context.Canceled", err)
	}
	wantMissing(t, s, "endless")

	ctx, cancel = context.WithCancel(t.Context())
	last := readerFunc(func(p []byte) (int, error) { // ctx ends in the last read
		cancel()
		return copy(p, "all"), io.EOF
	})
	if _, err := s.Put(ctx, "late", last, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v, want context.Canceled", err)
	}
	wantMissing(t, s, "late")

	if _, err := s.Put(ctx, "dead", strings.NewReader("x"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Put with a dead context = %v", err)
	}
	if _, err := s.Open(ctx, "dead"); !errors.Is(err, context.Canceled) {
		t.Errorf("Open with a dead context = %v", err)
	}
	wantMissing(t, s, "dead")
}

// cancelledLargePut ends ctx when much has been sent already.
func cancelledLargePut(t *testing.T, s blob.Store) {
	put(t, s, "old", "whole")
	for _, key := range []string{"new", "old"} {
		ctx, cancel := context.WithCancel(t.Context())
		sent := 0
		r := readerFunc(func(p []byte) (int, error) {
			if sent += len(p); sent > 12<<20 {
				cancel()
			}
			return len(p), nil
		})
		if _, err := s.Put(ctx, key, r, ""); !errors.Is(err, context.Canceled) {
			t.Errorf("Put(%s) = %v, want context.Canceled", key, err)
		}
	}
	wantMissing(t, s, "new")
	if got := get(t, s, "old"); got != "whole" {
		t.Errorf("after a cancelled overwrite: %d bytes", len(got))
	}
}

// pattern is content whose every place looks different.
func pattern(size int) []byte {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return data
}

// sizes are those around the parts in which a store may send a large object.
func sizes(t *testing.T, s blob.Store) {
	const mib = 1 << 20
	for _, size := range []int{0, 1, 5*mib - 1, 5 * mib, 5*mib + 1, 10 * mib, 20 * mib} {
		key, data := fmt.Sprintf("videos/%d.mp4", size), pattern(size)
		// Without a length, and in odd pieces, as an upload comes.
		if n, err := s.Put(t.Context(), key, iotest.HalfReader(bytes.NewReader(data)), ""); n != int64(size) || err != nil {
			t.Fatalf("Put of %d bytes = %d, %v", size, n, err)
		}
		if got := get(t, s, key); sha256.Sum256([]byte(got)) != sha256.Sum256(data) {
			t.Errorf("%d bytes came back as %d others", size, len(got))
		}
		moved := fmt.Sprintf("moved/%d.mp4", size)
		if err := s.Move(t.Context(), key, moved); err != nil {
			t.Fatal(err)
		}
		if got := get(t, s, moved); sha256.Sum256([]byte(got)) != sha256.Sum256(data) {
			t.Errorf("%d bytes were moved as %d others", size, len(got))
		}
		first, again := etag(t, s, moved), etag(t, s, moved)
		if first != again {
			t.Errorf("ETag of one object: %s, then %s", first, again)
		}
	}
}

func etag(t *testing.T, s blob.Store, key string) string {
	t.Helper()
	o, err := s.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer closeObject(t, o)
	return o.ETag
}

// seek reads here and there, near and far, as the reader of a video's boxes does.
func seek(t *testing.T, s blob.Store) {
	data := pattern(6 << 20)
	if _, err := s.Put(t.Context(), "v.mp4", bytes.NewReader(data), ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o, err := s.Open(ctx, "v.mp4")
	if err != nil {
		t.Fatal(err)
	}
	cancel() // what is open is not bound to it
	defer closeObject(t, o)
	size := int64(len(data))
	for _, c := range []struct{ offset, want int64 }{
		{0, 8}, {8, 16}, {100, 100}, {90_000, 10}, {5<<20 - 3, 6}, {0, 1}, {1<<20 - 1, 2}, {size - 1, 1}, {size - 5, 5}, {3, 2 << 20}, {0, size},
	} {
		if pos, err := o.Seek(c.offset, io.SeekStart); pos != c.offset || err != nil {
			t.Fatalf("Seek(%d) = %d, %v", c.offset, pos, err)
		}
		got := make([]byte, c.want)
		if _, err := io.ReadFull(o, got); err != nil || !bytes.Equal(got, data[c.offset:c.offset+c.want]) {
			t.Fatalf("%d bytes at %d: not the right ones, %v", c.want, c.offset, err)
		}
	}
	if pos, err := o.Seek(-10, io.SeekEnd); pos != size-10 || err != nil {
		t.Errorf("Seek from the end = %d, %v", pos, err)
	}
	if pos, err := o.Seek(4, io.SeekCurrent); pos != size-6 || err != nil {
		t.Errorf("Seek from here = %d, %v", pos, err)
	}
	if rest, err := io.ReadAll(o); err != nil || !bytes.Equal(rest, data[size-6:]) {
		t.Errorf("the last bytes: %v, %v", rest, err)
	}
	if _, err := o.Seek(size+1, io.SeekStart); err != nil {
		t.Errorf("Seek behind the end: %v", err)
	}
	if n, err := o.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("Read behind the end = %d, %v", n, err)
	}
	if _, err := o.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek before the beginning succeeded")
	}
}

// manyObjects are more than a store lists or deletes at once.
func manyObjects(t *testing.T, s blob.Store) {
	const count, writers = 1003, 16
	keys := make([]string, count)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < count; i += writers {
				keys[i] = fmt.Sprintf("tmp/%04d", i)
				put(t, s, keys[i], "x")
			}
		})
	}
	wg.Wait()
	put(t, s, "kept", "x")
	if n, err := s.Sweep(t.Context(), "tmp/", -time.Minute); n != count || err != nil {
		t.Errorf("Sweep = %d, %v; want %d", n, err, count)
	}
	wantMissing(t, s, keys[0], keys[count-1])
	put(t, s, keys[0], "x")
	put(t, s, keys[count-1], "x")
	if err := s.Delete(t.Context(), keys...); err != nil {
		t.Errorf("Delete of %d keys: %v", count, err)
	}
	wantMissing(t, s, keys[0], keys[count-1])
	get(t, s, "kept")
}

func list(t *testing.T, s blob.Store) {
	const count = 1001 // more than a page
	want := map[string]bool{}
	for i := range count {
		key := fmt.Sprintf("videos/ab/%04d.ts", i)
		put(t, s, key, "x")
		want[key] = true
	}
	put(t, s, "videos/abc/other", "x")
	got, pages := map[string]bool{}, 0
	err := s.List(t.Context(), "videos/ab/", -time.Minute, func(keys []string) error {
		pages++
		for _, k := range keys {
			got[k] = true
		}
		return s.Delete(t.Context(), keys[:1]...)
	})
	if err != nil || pages != 2 || !maps.Equal(got, want) {
		t.Errorf("List: %v, %d keys on %d pages, want %d on 2", err, len(got), pages, len(want))
	}
	none := func(keys []string) error { return fmt.Errorf("a page of %q", keys) }
	if err := s.List(t.Context(), "videos/ab/", time.Minute, none); err != nil {
		t.Errorf("List of what is younger: %v", err)
	}
	if err := s.List(t.Context(), "nothing/", -time.Minute, none); err != nil {
		t.Errorf("List of nothing: %v", err)
	}
	stop := errors.New("enough")
	if err := s.List(t.Context(), "videos/", -time.Minute, func([]string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("List = %v, want the error of page", err)
	}
	if err := s.List(t.Context(), "", -time.Minute, none); !errors.Is(err, blob.ErrBadKey) {
		t.Errorf("List of everything: %v, want ErrBadKey", err)
	}
}

func urlOfBadKey(t *testing.T, s blob.Store) {
	if u, err := s.URL(t.Context(), "../x"); !errors.Is(err, blob.ErrBadKey) {
		t.Errorf("URL = %q, %v; want ErrBadKey", u, err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func move(t *testing.T, s blob.Store) {
	put(t, s, "tmp/1", "one")
	put(t, s, "videos/ab/2.mp4", "two")
	o, err := s.Open(t.Context(), "tmp/1")
	if err != nil {
		t.Fatal(err)
	}
	closeObject(t, o)
	for _, to := range []string{"videos/zz/1.mp4", "videos/ab/2.mp4"} { // a new folder; an object that is there
		from := "tmp/1"
		if to == "videos/ab/2.mp4" {
			from = "videos/zz/1.mp4"
		}
		if err := s.Move(t.Context(), from, to); err != nil {
			t.Fatalf("Move(%s, %s): %v", from, to, err)
		}
		wantMissing(t, s, from)
		if got := get(t, s, to); got != "one" {
			t.Errorf("%s = %q, want one", to, got)
		}
	}
	if err := s.Move(t.Context(), "videos/ab/2.mp4", "videos/ab/2.mp4"); err != nil {
		t.Errorf("Move to itself: %v", err)
	}
	if got := get(t, s, "videos/ab/2.mp4"); got != "one" {
		t.Errorf("after a move to itself: %q", got)
	}
}

func deleteKeys(t *testing.T, s blob.Store) {
	put(t, s, "a", "1")
	put(t, s, "d/b", "2")
	put(t, s, "d/c", "3")
	if err := s.Delete(t.Context()); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	if err := s.Delete(t.Context(), "a", "missing", "d/b", "no/such/thing", "a"); err != nil {
		t.Errorf("Delete: %v", err)
	}
	wantMissing(t, s, "a", "d/b")
	if err := s.Delete(t.Context(), "d"); err != nil {
		t.Errorf("Delete of a folder: %v", err)
	}
	if got := get(t, s, "d/c"); got != "3" {
		t.Errorf("d/c = %q", got)
	}
	put(t, s, "a", "again")
	if got := get(t, s, "a"); got != "again" {
		t.Errorf("a = %q", got)
	}
}

func sweep(t *testing.T, s blob.Store) {
	for _, key := range []string{"tmp/1", "tmp/2", "tmp/x/3", "tmpfile", "videos/tmp/4", "top"} {
		put(t, s, key, "x")
	}
	check := func(prefix string, age time.Duration, want int) {
		t.Helper()
		if n, err := s.Sweep(t.Context(), prefix, age); n != want || err != nil {
			t.Errorf("Sweep(%s, %v) = %d, %v; want %d", prefix, age, n, err, want)
		}
	}
	check("nothing/", 0, 0)
	check("tmp/", time.Hour, 0)
	// An age of minus a minute is a limit in the future, whatever clock the store has.
	check("tmp/", -time.Minute, 3)
	wantMissing(t, s, "tmp/1", "tmp/2", "tmp/x/3")
	for _, key := range []string{"tmpfile", "videos/tmp/4", "top"} {
		get(t, s, key)
	}
	check("videos/t", -time.Minute, 1)
	check("t", -time.Minute, 2)
	check("tmp/", -time.Minute, 0)
}

func openStaysReadable(t *testing.T, s blob.Store) {
	old := strings.Repeat("old ", 1<<16)
	put(t, s, "key", old)
	o, err := s.Open(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	defer closeObject(t, o)
	first := make([]byte, 10)
	if _, err := io.ReadFull(o, first); err != nil {
		t.Fatal(err)
	}
	put(t, s, "key", "new")
	if err := s.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(o)
	if _, files := blob.LocalPath(s, "key"); !files && errors.Is(err, blob.ErrNotFound) {
		return // the other drivers may say that it has gone, but never mix
	}
	if err != nil || string(first)+string(rest) != old {
		t.Errorf("read %d bytes, %v; want the %d that were opened", len(first)+len(rest), err, len(old))
	}
}

// serveContent reads with Range and If-None-Match, as the gateway does.
func serveContent(t *testing.T, s blob.Store) {
	put(t, s, "v.mp4", "0123456789")
	o, err := s.Open(t.Context(), "v.mp4")
	if err != nil {
		t.Fatal(err)
	}
	defer closeObject(t, o)
	serve := func(name, value string) *httptest.ResponseRecorder {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v.mp4", nil)
		req.Header.Set(name, value)
		rec := httptest.NewRecorder()
		rec.Header().Set("ETag", o.ETag)
		http.ServeContent(rec, req, "v.mp4", o.ModTime, o)
		return rec
	}
	if rec := serve("Range", "bytes=2-5"); rec.Code != http.StatusPartialContent || rec.Body.String() != "2345" {
		t.Errorf("Range: %d %q", rec.Code, rec.Body)
	}
	if rec := serve("Range", "bytes=-3"); rec.Code != http.StatusPartialContent || rec.Body.String() != "789" {
		t.Errorf("Range from the end: %d %q", rec.Code, rec.Body)
	}
	if rec := serve("If-None-Match", o.ETag); rec.Code != http.StatusNotModified {
		t.Errorf("If-None-Match: %d", rec.Code)
	}
}

// concurrentPuts lets writers and readers of one key meet: a reader sees one writer's bytes only.
func concurrentPuts(t *testing.T, s blob.Store) {
	const writers, size = 8, 100_000
	_, files := blob.LocalPath(s, "dir/key")
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			content := bytes.Repeat([]byte{byte('a' + i)}, size)
			for range 5 {
				if _, err := s.Put(t.Context(), "dir/key", bytes.NewReader(content), ""); err != nil {
					t.Errorf("Put: %v", err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				o, err := s.Open(t.Context(), "dir/key")
				if errors.Is(err, blob.ErrNotFound) {
					continue
				}
				if err != nil {
					t.Errorf("Open: %v", err)
					return
				}
				data, err := io.ReadAll(o)
				closeObject(t, o)
				if !files && errors.Is(err, blob.ErrNotFound) {
					continue // overwritten since it was opened
				}
				if err != nil || len(data) != size || bytes.Count(data, data[:1]) != size {
					t.Errorf("read a mixture of %d bytes (%v)", len(data), err)
				}
			}
		})
	}
	wg.Wait()
	if got := get(t, s, "dir/key"); len(got) != size || strings.Count(got, got[:1]) != size {
		t.Errorf("a mixture of %d bytes is stored", len(got))
	}
}

// concurrentMoves lets many move one object: one wins, and its content is in one place. Of the drivers that can only copy
// and delete several may win, and a loser may leave a copy, but none reports a success that it did not have.
func concurrentMoves(t *testing.T, s blob.Store) {
	put(t, s, "from", "x")
	const movers = 8
	won := make([]bool, movers)
	var wg sync.WaitGroup
	for i := range movers {
		wg.Go(func() {
			err := s.Move(t.Context(), "from", fmt.Sprintf("to/%d", i))
			won[i] = err == nil
			if err != nil && !errors.Is(err, blob.ErrNotFound) {
				t.Errorf("Move: %v", err)
			}
		})
	}
	wg.Wait()
	winners := 0
	_, files := blob.LocalPath(s, "from")
	for i, ok := range won {
		if !ok && !files {
			continue
		}
		if !ok {
			wantMissing(t, s, fmt.Sprintf("to/%d", i))
			continue
		}
		winners++
		if got := get(t, s, fmt.Sprintf("to/%d", i)); got != "x" {
			t.Errorf("to/%d = %q", i, got)
		}
	}
	if winners < 1 || files && winners > 1 {
		t.Errorf("%d moves of one object succeeded", winners)
	}
	wantMissing(t, s, "from")
}

func ping(t *testing.T, s blob.Store) {
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Ping(ctx); err == nil {
		t.Error("Ping with a dead context succeeded")
	}
}
