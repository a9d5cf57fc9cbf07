package pack_test

import (
	"strings"
	"testing"

	"tiktok/cmd/api/biz/pack"
	"tiktok/cmd/api/biz/view"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/id"
	"tiktok/pkg/id/idtest"
)

// Ids that are made one after the other get all the pictures, not one.
func TestDefaultPicturesSpread(t *testing.T) {
	const users = 1600
	ids := id.New(3)
	avatars, backgrounds := map[string]int{}, map[string]int{}
	for i := range int64(users) {
		u := pack.User("", view.Profile{ID: idtest.Next(ids) + i*1_000_003<<13})
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

func TestUserShowsTheProfile(t *testing.T) {
	account := &user.User{
		Id: 7, Name: "ann", DisplayName: "Ann <Li>", Signature: "hi", AvatarKey: "avatars/7/a.jpg",
		BackgroundKey: "backgrounds/7/b.jpg",
	}
	u := pack.User("http://x", view.Profile{ID: 7, User: account})
	if u.Name != "Ann <Li>" || u.Signature != "hi" || u.Avatar != "http://x/media/avatars/7/a.jpg" ||
		u.BackgroundImage != "http://x/media/backgrounds/7/b.jpg" {
		t.Errorf("got %+v", u)
	}
	bare := pack.User("http://x", view.Profile{ID: 7, User: &user.User{Id: 7, Name: "ann"}})
	if bare.Name != "ann" || bare.Signature == "" || !strings.HasPrefix(bare.Avatar, "http://x/static/avatars/") ||
		!strings.HasPrefix(bare.BackgroundImage, "http://x/static/backgrounds/") {
		t.Errorf("got %+v", bare)
	}
}
