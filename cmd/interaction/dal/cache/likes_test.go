package cache_test

import (
	"reflect"
	"testing"

	"tiktok/cmd/interaction/dal/cache"
)

func TestLikesKeepTheirForm(t *testing.T) {
	for _, l := range []cache.Likes{
		{Newest: 7, VideoIDs: []int64{1 << 61, 1<<61 + 5, 1<<61 + 7}, Recent: []uint16{2, 0, 1}},
		{Newest: 7, Recent: []uint16{}},
		{More: true},
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
			var part cache.Likes
			if err := part.UnmarshalBinary(b[:end]); err == nil {
				t.Errorf("%d of %d bytes are %+v", end, len(b), part)
			}
		}
	}
	// A place that there is not would end the process when the list is made.
	if err := new(cache.Likes).UnmarshalBinary([]byte{0, 1, 1, 5, 1}); err == nil {
		t.Error("place 1 of 1")
	}
}
