package cache_test

import (
	"errors"
	"testing"

	"tiktok/cmd/chat/dal/cache"
	"tiktok/cmd/chat/dal/db"
	"tiktok/pkg/kv"
)

func TestLastKeepsItsForm(t *testing.T) {
	for _, m := range []db.Message{
		{LowID: 1, HighID: 1 << 62, CreatedAtMs: 1_795_918_131_442, ID: 7, FromUserID: 1 << 62, Content: "两行\nof text"},
		{},
	} {
		b, err := cache.Last{Message: m}.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got cache.Last
		if err := got.UnmarshalBinary(b); err != nil || got.Message != m {
			t.Errorf("%+v came back as %+v, %v", m, got, err)
		}
		for end := range len(b) - len(m.Content) {
			if err := new(cache.Last).UnmarshalBinary(b[:end]); !errors.Is(err, kv.ErrBadBytes) {
				t.Errorf("%d of %d bytes: %v", end, len(b), err)
			}
		}
	}
}
