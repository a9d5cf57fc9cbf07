package cache_test

import (
	"reflect"
	"testing"

	"tiktok/cmd/social/dal/cache"
)

func TestFollowedKeepTheirForm(t *testing.T) {
	for _, f := range []cache.Followed{{UserIDs: []int64{1 << 61, 1<<61 + 5}}, {}, {More: true}} {
		b, err := f.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got cache.Followed
		if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(got, f) {
			t.Errorf("%+v came back as %+v, %v", f, got, err)
		}
		for end := range b {
			if err := new(cache.Followed).UnmarshalBinary(b[:end]); err == nil {
				t.Errorf("%d of %d bytes are a value", end, len(b))
			}
		}
	}
}
