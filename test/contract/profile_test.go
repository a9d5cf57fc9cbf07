package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tiktok/test/harness"
)

// shownUser is the part of a user of /api/v1 that an edit changes.
type shownUser struct {
	ID            int64  `json:"id"`
	Name          string `json:"name"`
	DisplayName   string `json:"display_name"`
	Signature     string `json:"signature"`
	AvatarURL     string `json:"avatar_url"`
	BackgroundURL string `json:"background_url"`
}

// callV1 sends a request of /api/v1 as u and decodes the answer to a success into out.
func callV1(t testing.TB, d *harness.Deployment, u *harness.User, method, path, kind string, body []byte, out any) int {
	t.Helper()
	r := harness.Request{Method: method, Path: "/api/v1" + path, Body: body, ContentType: kind, Header: http.Header{}}
	if u.Token != "" {
		r.Header.Set("Authorization", "Bearer "+u.Token)
	}
	a := d.Raw(t, r)
	if a.Status == http.StatusOK {
		if err := json.Unmarshal(a.Raw, out); err != nil {
			t.Errorf("%s %s: %v in %s", method, path, err, a.Raw)
		}
	}
	return a.Status
}

func drawnPNG(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// testProfile: an edit is in its author's next read, on both APIs and through every process; others see it too.
func testProfile(t *testing.T, d *harness.Deployment) {
	ann, bob := d.NewUser(t), d.NewUser(t)
	video := ann.Publish(t, "by "+ann.Name)
	gateways := []*harness.Deployment{d}
	if d.Name == harness.NameDistributed {
		d.AddReplica(t, "user")
		gateways = append(gateways, d.AddGateway(t))
	}
	var got shownUser
	byName := "/users/by-name/" + url.PathEscape(ann.Name)
	for i := range 6 {
		for _, g := range gateways { // what is old is held wherever it is held
			ann.Through(g).Profile(t, ann.ID)
			bob.Through(g).Profile(t, ann.ID)
		}
		name, signature := fmt.Sprint("Ann ", i), fmt.Sprint("I film <b>cats</b> ", i)
		edit, err := json.Marshal(map[string]string{"display_name": name, "signature": signature})
		if err != nil {
			t.Fatal(err)
		}
		if status := callV1(t, gateways[i%len(gateways)], ann, http.MethodPatch, "/me", "application/json", edit, &got); status != http.StatusOK {
			t.Fatalf("edit: HTTP %d", status)
		}
		for _, g := range gateways {
			if p := ann.Through(g).Profile(t, ann.ID); p.Name != name || p.Signature != signature {
				t.Fatalf("edit %d: the author reads %q, %q", i, p.Name, p.Signature)
			}
			status := callV1(t, g, ann, http.MethodGet, byName, "", nil, &got)
			if status != http.StatusOK || got.ID != ann.ID || got.Name != ann.Name || got.DisplayName != name || got.Signature != signature {
				t.Fatalf("edit %d: HTTP %d, the author reads %+v", i, status, got)
			}
			c := ann.Through(g).Comment(t, video.ID, "mine")
			if c.User.Name != name {
				t.Errorf("edit %d: the author's comment is by %q", i, c.User.Name)
			}
		}
		for _, g := range gateways {
			waitFor(t, "others to see the edit", func() bool { return bob.Through(g).Profile(t, ann.ID).Signature == signature })
		}
	}
	for _, u := range []*harness.User{bob, d.Visitor()} {
		if callV1(t, d, u, http.MethodGet, byName, "", nil, &got); got.DisplayName != "Ann 5" {
			t.Errorf("others read %+v", got)
		}
	}
	fresh := d.NewName() // asked for before there is such an account
	if status := callV1(t, d, bob, http.MethodGet, "/users/by-name/"+fresh, "", nil, &got); status != http.StatusNotFound {
		t.Errorf("nobody: HTTP %d", status)
	}
	d.Call(t, post, harness.PathRegister, harness.Params("username", fresh, "password", "a secret of mine"), nil).OK(t)
	for _, g := range gateways {
		if status := callV1(t, g, bob, http.MethodGet, "/users/by-name/"+fresh, "", nil, &got); status != http.StatusOK || got.Name != fresh {
			t.Errorf("just registered: HTTP %d, %+v", status, got)
		}
	}
	before := ann.Profile(t, ann.ID)
	for body, want := range map[string]int{
		`{"display_name":"Admin"}`: 422, `{"display_name":"` + strings.Repeat("中", 33) + `"}`: 400, `{"signature":"a\u0000b"}`: 400,
		`{"signature":"` + strings.Repeat("x", 81) + `","display_name":"fine"}`: 400, `{"display_name":"a\u202eb"}`: 400,
	} {
		if status := callV1(t, d, ann, http.MethodPatch, "/me", "application/json", []byte(body), &got); status != want {
			t.Errorf("%s: HTTP %d, want %d", body, status, want)
		}
	}
	if after := ann.Profile(t, ann.ID); after != before {
		t.Errorf("a refused edit has changed %+v to %+v", before, after)
	}
}

// testOwnPictures: pictures are scaled, shown on both APIs and deleted with the next one; of many at once one file is left.
func testOwnPictures(t *testing.T, d *harness.Deployment) {
	ann, bob := d.NewUser(t), d.NewUser(t)
	before := ann.Profile(t, ann.ID)
	folder := func(kind string) []string {
		prefix := fmt.Sprintf("%ss/%d/", kind, ann.ID)
		return slices.DeleteFunc(d.Objects(t), func(key string) bool { return !strings.HasPrefix(key, prefix) })
	}
	shown := func(u *harness.User, kind string) string {
		p := u.Profile(t, ann.ID)
		if kind == "avatar" {
			return p.Avatar
		}
		return p.BackgroundImage
	}
	for kind, size := range map[string]image.Point{"avatar": {X: 320, Y: 320}, "background": {X: 1280, Y: 480}} {
		var got shownUser
		path, standard := "/me/"+kind, shown(ann, kind)
		for _, bad := range [][]byte{[]byte("no picture"), drawnPNG(t, 30, 30)[:40], make([]byte, 9<<20)} {
			if status := callV1(t, d, ann, http.MethodPut, path, "image/png", bad, &got); status != 422 && status != 413 {
				t.Errorf("%s of %d bytes: HTTP %d", kind, len(bad), status)
			}
		}
		if status := callV1(t, d, d.Visitor(), http.MethodPut, path, "image/png", drawnPNG(t, 30, 30), &got); status != 401 {
			t.Errorf("visitor: HTTP %d", status)
		}
		if left := folder(kind); len(left) > 0 || shown(ann, kind) != standard {
			t.Errorf("after refusals: %v", left)
		}
		harness.Parallel(t, 6, func(t testing.TB, i int) {
			var got shownUser
			if status := callV1(t, d, ann, http.MethodPut, path, "image/png", drawnPNG(t, 200+i, 100), &got); status != 200 && status != 429 {
				t.Errorf("HTTP %d", status)
			}
		})
		link := shown(ann, kind)
		if left := folder(kind); len(left) != 1 || !strings.HasSuffix(link, left[0]) {
			t.Fatalf("shown is %s, stored %v", link, left)
		}
		waitFor(t, "others to see the picture", func() bool { return shown(bob, kind) == link })
		served := d.Raw(t, harness.Request{Method: get, Path: d.Below(t, link)})
		cfg, err := jpeg.DecodeConfig(bytes.NewReader(served.Raw))
		if err != nil || cfg.Width != size.X || cfg.Height != size.Y || served.Header.Get("Content-Type") != "image/jpeg" ||
			!strings.Contains(served.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d by %d pixels, %v, %v", link, cfg.Width, cfg.Height, served.Header, err)
		}
		status := callV1(t, d, ann, http.MethodDelete, path, "", nil, &got)
		if status != 200 || shown(ann, kind) != standard || len(folder(kind)) > 0 {
			t.Errorf("deleted: HTTP %d, shown %s, stored %v", status, shown(ann, kind), folder(kind))
		}
	}
	if after := ann.Profile(t, ann.ID); after != before {
		t.Errorf("%+v, want %+v again", after, before)
	}
}
