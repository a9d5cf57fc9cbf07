package cache_test

import (
	"errors"
	"testing"

	"tiktok/cmd/chat/dal/cache"
	"tiktok/cmd/chat/dal/db"
	"tiktok/pkg/kv"
)

func TestLastKeepsItsForm(t *testing.T) {
	one := db.Message{LowID: 1, HighID: 1 << 62, CreatedAtMs: 1_795_918_131_442, ID: 7, FromUserID: 1 << 62, Content: "两行\nof text"}
	other := db.Message{LowID: 1, HighID: 1 << 62, CreatedAtMs: 1_795_918_131_441, ID: 6, FromUserID: 1, Content: "before"}
	for _, n := range []db.Newest{{Low: one, High: one}, {Low: one, High: other}, {Low: one}, {High: one}, {}} {
		b, err := cache.Last{Newest: n}.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got cache.Last
		if err := got.UnmarshalBinary(b); err != nil || got.Newest != n {
			t.Errorf("%+v came back as %+v, %v", n, got, err)
		}
		for end := range len(b) {
			if err := new(cache.Last).UnmarshalBinary(b[:end]); !errors.Is(err, kv.ErrBadBytes) {
				t.Errorf("%d of %d bytes: %v", end, len(b), err)
			}
		}
		if err := new(cache.Last).UnmarshalBinary(append(b, 0)); !errors.Is(err, kv.ErrBadBytes) {
			t.Errorf("a byte too many: %v", err)
		}
	}
}
