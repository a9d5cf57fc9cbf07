package kvtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tiktok/pkg/kv"
)

// RunLists checks the kv.Lists of the store that open returns, as Run does.
func RunLists(t *testing.T, open func(t *testing.T) kv.Store) {
	for i, tt := range []struct {
		name string
		fn   func(t *testing.T, s lists)
	}{
		{"entries are read in the order of their ids", testEntryOrder},
		{"lists are bounded, the oldest entries leave first", testListBound},
		{"lists expire, an addition renews that", testListExpires},
		{"entries are removed by id", testRemoveEntries},
		{"bad entries are refused as a whole", testBadEntries},
		{"many lists and writers", testManyLists},
		{"lists of a closed store", testListsClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { _ = s.Close() })
			l, ok := s.(kv.Lists)
			if !ok {
				t.Fatalf("a %T has no lists", s)
			}
			tt.fn(t, lists{l, s, fmt.Sprintf("kvtest:lists:%d:%d:", time.Now().UnixNano(), i)})
		})
	}
}

// lists are the lists of one test.
type lists struct {
	kv.Lists
	store  kv.Store
	prefix string
}

// key is the key of a list, with a hash tag of its own.
func (l lists) key(name string) string { return l.prefix + "{" + name + "}" }

// entry is an entry of a list whose value says its id.
func (l lists) entry(list string, id int64) kv.Entry {
	return kv.Entry{List: l.key(list), ID: id, Value: fmt.Appendf(nil, "value %d", id)}
}

// add adds entries with these ids to a list and returns its length after the last one.
func (l lists) add(t *testing.T, max int, ttl time.Duration, list string, ids ...int64) int {
	t.Helper()
	entries := make([]kv.Entry, len(ids))
	for i, id := range ids {
		entries[i] = l.entry(list, id)
	}
	lengths, err := l.AddEntries(t.Context(), entries, max, ttl)
	if err != nil || len(lengths) != len(ids) {
		t.Fatalf("AddEntries: %v, %v", lengths, err)
	}
	return lengths[len(lengths)-1]
}

// want fails the test when a list does not hold entries with exactly these ids.
func (l lists) want(t *testing.T, list string, ids ...int64) {
	t.Helper()
	got, err := l.ReadLists(t.Context(), []string{l.key(list)})
	if err != nil || len(got) != 1 {
		t.Fatalf("ReadLists: %d lists, %v", len(got), err)
	}
	want := make([][]byte, len(ids))
	for i, id := range ids {
		want[i] = l.entry(list, id).Value
	}
	if !slices.EqualFunc(got[0], want, bytes.Equal) {
		t.Fatalf("list %s is %q, want %q", list, got[0], want)
	}
}

func testEntryOrder(t *testing.T, l lists) {
	const large = 1<<53 - 1
	if n := l.add(t, 10, minute, "a", 7, 3, large, large-1, 0); n != 5 {
		t.Errorf("length %d, want 5", n)
	}
	if n := l.add(t, 10, minute, "a", 3, 7); n != 5 {
		t.Errorf("length %d after the same again, want 5", n)
	}
	l.want(t, "a", 0, 3, 7, large-1, large)
	l.want(t, "missing")
	l.add(t, 10, minute, "b", 1)
	got, err := l.ReadLists(t.Context(), []string{l.key("b"), l.key("missing"), l.key("a"), l.key("b")})
	if err != nil || len(got) != 4 || len(got[0]) != 1 || len(got[1]) != 0 || len(got[2]) != 5 || len(got[3]) != 1 {
		t.Fatalf("got %q, %v", got, err)
	}
}

func testListBound(t *testing.T, l lists) {
	for id := range int64(10) {
		if n := l.add(t, 3, minute, "a", 100-id, 200+id); n > 3 {
			t.Fatalf("length %d, want at most 3", n)
		}
	}
	l.want(t, "a", 207, 208, 209)
}

func testListExpires(t *testing.T, l lists) {
	l.add(t, 10, 100*time.Millisecond, "a", 1)
	l.add(t, 10, 100*time.Millisecond, "renewed", 1)
	l.add(t, 10, minute, "renewed", 2)
	set(t, l.store, kv.Item{Key: l.key("mark"), Value: []byte("1"), TTL: 200 * time.Millisecond})
	gone(t, l.store, l.key("mark"))
	l.want(t, "a")
	l.want(t, "renewed", 1, 2)
}

func testRemoveEntries(t *testing.T, l lists) {
	l.add(t, 10, minute, "a", 1, 2, 3)
	l.add(t, 10, minute, "b", 1)
	remove := []kv.Entry{l.entry("a", 1), l.entry("a", 3), l.entry("a", 4), l.entry("b", 1), l.entry("c", 1)}
	for range 2 {
		if err := l.RemoveEntries(t.Context(), remove); err != nil {
			t.Fatal(err)
		}
		l.want(t, "a", 2)
		l.want(t, "b")
	}
	l.add(t, 10, minute, "b", 1)
	l.want(t, "b", 1)
}

func testBadEntries(t *testing.T, l lists) {
	good := l.entry("a", 1)
	for _, tc := range []struct {
		bad kv.Entry
		max int
		ttl time.Duration
	}{
		{kv.Entry{ID: 2, Value: []byte("x")}, 1, minute},
		{kv.Entry{List: l.key("a"), ID: 2}, 1, minute},
		{l.entry("a", 2), 0, minute},
		{l.entry("a", 2), 1, 0},
	} {
		if _, err := l.AddEntries(t.Context(), []kv.Entry{good, tc.bad}, tc.max, tc.ttl); !errors.Is(err, kv.ErrBadItem) {
			t.Errorf("%+v, %d, %v: %v, want ErrBadItem", tc.bad, tc.max, tc.ttl, err)
		}
	}
	l.want(t, "a")
	if n, err := l.AddEntries(t.Context(), nil, 1, minute); err != nil || len(n) != 0 {
		t.Errorf("nothing to add: %v, %v", n, err)
	}
	if got, err := l.ReadLists(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("nothing to read: %v, %v", got, err)
	}
	if err := l.RemoveEntries(t.Context(), nil); err != nil {
		t.Errorf("nothing to remove: %v", err)
	}
}

// Each writer adds to all lists and removes half of that again.
func testManyLists(t *testing.T, l lists) {
	const writers, many = 8, 200
	keys := make([]string, many)
	for i := range keys {
		keys[i] = l.key(fmt.Sprint(i))
	}
	var wg sync.WaitGroup
	for w := range int64(writers) {
		wg.Go(func() {
			var entries, odd []kv.Entry
			for i := range many {
				for _, id := range []int64{2 * w, 2*w + 1} {
					entries = append(entries, l.entry(fmt.Sprint(i), id))
				}
				odd = append(odd, entries[len(entries)-1])
			}
			if _, err := l.AddEntries(t.Context(), entries, 100, minute); err != nil {
				t.Error(err)
			}
			if err := l.RemoveEntries(t.Context(), odd); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := l.ReadLists(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, values := range got {
		if len(values) != writers {
			t.Errorf("list %d holds %q, want %d entries", i, values, writers)
		}
	}
}

func testListsClosed(t *testing.T, l lists) {
	if err := l.store.Close(); err != nil {
		t.Fatal(err)
	}
	_, addErr := l.AddEntries(t.Context(), []kv.Entry{l.entry("a", 1)}, 1, minute)
	_, readErr := l.ReadLists(t.Context(), []string{l.key("a")})
	removeErr := l.RemoveEntries(t.Context(), []kv.Entry{l.entry("a", 1)})
	for _, err := range []error{addErr, readErr, removeErr} {
		if !errors.Is(err, kv.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
}
