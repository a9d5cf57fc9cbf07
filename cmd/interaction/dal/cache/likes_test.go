package cache_test

import (
	"reflect"
	"testing"

	"tiktok/cmd/interaction/dal/cache"
	"tiktok/pkg/kv"
)

func TestLikesKeepTheirForm(t *testing.T) {
	for _, l := range []cache.Likes{
		{Newest: 7, IDList: kv.NewIDList([]int64{1<<61 + 7, 1 << 61, 1<<61 + 5}, 3)},
		{IDList: kv.IDList{More: true}},
	} {
		b, err := l.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got cache.Likes
		if err := got.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(got, l) {
			t.Errorf("%+v came back as %+v, %v", l, got, err)
		}
		for end := range b {
			if err := new(cache.Likes).UnmarshalBinary(b[:end]); err == nil {
				t.Errorf("%d of %d bytes are likes", end, len(b))
			}
		}
	}
}
