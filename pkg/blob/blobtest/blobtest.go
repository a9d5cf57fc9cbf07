// Package blobtest checks that a blob.Store keeps the promises of its comments.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
		{"NotFound", notFound},
		{"BadKeys", badKeys},
		{"Overwrite", overwrite},
		{"FailedPut", failedPut},
		{"CancelledPut", cancelledPut},
		{"Move", move},
		{"Delete", deleteKeys},
		{"Sweep", sweep},
		{"OpenStaysReadable", openStaysReadable},
		{"ServeContent", serveContent},
		{"ConcurrentPuts", concurrentPuts},
		{"ConcurrentMoves", concurrentMoves},
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
				if err != nil || len(data) != size || bytes.Count(data, data[:1]) != size {
					t.Errorf("read a mixture of %d bytes (%v)", len(data), err)
				}
			}
		})
	}
	wg.Wait()
}

// concurrentMoves lets many move one object: one wins, and its content is in one place.
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
	for i, ok := range won {
		if !ok {
			wantMissing(t, s, fmt.Sprintf("to/%d", i))
			continue
		}
		winners++
		if got := get(t, s, fmt.Sprintf("to/%d", i)); got != "x" {
			t.Errorf("to/%d = %q", i, got)
		}
	}
	if winners != 1 {
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
