package pack_test

import (
	"testing"

	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/pkg/id"
)

// Ids that are made one after the other get all the pictures, not one.
func TestDefaultPicturesSpread(t *testing.T) {
	const users = 1600
	ids := id.New(3)
	avatars, backgrounds := map[string]int{}, map[string]int{}
	for i := range int64(users) {
		u := pack.User("", view.Profile{ID: ids.Next() + i*1_000_003<<13})
		avatars[u.Avatar]++
		backgrounds[u.BackgroundImage]++
	}
	if len(avatars) != pack.Avatars || len(backgrounds) != pack.Backgrounds {
		t.Errorf("%d avatars and %d backgrounds in use", len(avatars), len(backgrounds))
	}
	for url, n := range avatars {
		if n > users/pack.Avatars*2 {
			t.Errorf("%s has %d of %d users", url, n, users)
		}
	}
}
