package gateway_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/cmd/api/gateway"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/blob"
	"tiktok/pkg/errno"
	"tiktok/pkg/picture"
)

// oneAccount is a user service that keeps one account, as the real one does.
type oneAccount struct {
	mu  sync.Mutex
	now user.User
	// fail, when it is set, is the answer to an update; before says that nothing is stored then.
	fail   error
	before bool
}

func (a *oneAccount) fakes() *fakes {
	return &fakes{
		mgetUsers: func(*user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			now := a.now
			return &user.MGetUsersResponse{Users: map[int64]*user.User{now.Id: &now}}, nil
		},
		updateProfile: a.update,
	}
}

func (a *oneAccount) update(r *user.UpdateProfileRequest) (*user.UpdateProfileResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail != nil && a.before {
		return nil, a.fail
	}
	resp := &user.UpdateProfileResponse{}
	replace := func(field *string, by *string, replaced *string) {
		if by != nil && *by != *field {
			*replaced, *field = *field, *by
		}
	}
	var text string
	replace(&a.now.DisplayName, r.DisplayName, &text)
	replace(&a.now.Signature, r.Signature, &text)
	replace(&a.now.AvatarKey, r.AvatarKey, &resp.ReplacedAvatarKey)
	replace(&a.now.BackgroundKey, r.BackgroundKey, &resp.ReplacedBackgroundKey)
	now := a.now
	resp.User = &now
	return resp, a.fail
}

// withDir is a gateway whose blobs are in the folder that is returned.
func withDir(t *testing.T, f *fakes, change ...func(*gateway.Deps)) (*env, string) {
	t.Helper()
	dir := t.TempDir()
	store, err := blob.Open(t.Context(), blob.Config{Driver: "local", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return start(t, f, append(change, func(d *gateway.Deps) { d.Blobs = store })...), dir
}

// files are the names of all that is stored.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !e.IsDir() && !strings.Contains(name, "/ping-") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func pngOf(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = 200
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (e *env) put(path, kind string, body io.Reader) answer {
	e.t.Helper()
	return e.do(request{method: http.MethodPut, path: path, body: body, header: map[string]string{
		"Authorization": "Bearer " + e.token(7), "Content-Type": kind,
	}})
}

func TestSetPictures(t *testing.T) {
	a := &oneAccount{now: user.User{Id: 7, Name: "ann"}}
	e, dir := withDir(t, a.fakes())
	for kind, size := range map[string]image.Point{"avatar": {320, 320}, "background": {1280, 480}} {
		path, field := "/api/v1/me/"+kind, kind+"_url"
		before := e.do(request{method: "GET", path: "/api/v1/users/7"}).json[field]
		var last string
		for i := range 3 {
			got := e.put(path, "image/png", bytes.NewReader(pngOf(t, 100+i, 90)))
			link, _ := got.json[field].(string)
			rest, ok := strings.CutPrefix(link, e.url+"/media/"+kind+"s/7/")
			if got.StatusCode != 200 || !ok || link == last || !strings.HasSuffix(rest, ".jpg") {
				t.Fatalf("%d %s", got.StatusCode, got.body)
			}
			if last != "" {
				if old := e.get(strings.TrimPrefix(last, e.url)); old.StatusCode != 404 {
					t.Errorf("the picture before is still served: %d", old.StatusCode)
				}
			}
			last = link
			served := e.get(strings.TrimPrefix(link, e.url))
			cfg, err := jpeg.DecodeConfig(bytes.NewReader(served.body))
			if err != nil || cfg.Width != size.X || cfg.Height != size.Y {
				t.Errorf("%d by %d pixels, %v", cfg.Width, cfg.Height, err)
			}
			if served.Header.Get("Content-Type") != "image/jpeg" || !strings.Contains(served.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("served as %v", served.Header)
			}
		}
		if n := len(files(t, dir)); n != 1 {
			t.Errorf("%d files, want 1: %v", n, files(t, dir))
		}
		for range 2 { // twice is once
			got := e.do(request{method: "DELETE", path: path, header: map[string]string{"Authorization": "Bearer " + e.token(7)}})
			if got.StatusCode != 200 || got.json[field] != before {
				t.Errorf("%d %s, want %v again", got.StatusCode, got.body, before)
			}
		}
		if left := files(t, dir); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	}
}

func TestPicturesRefused(t *testing.T) {
	a := &oneAccount{now: user.User{Id: 7, Name: "ann", AvatarKey: "elsewhere/x.jpg"}}
	e, dir := withDir(t, a.fakes())
	const path = "/api/v1/me/avatar"
	good := pngOf(t, 50, 50)
	wantProblem(t, e.put(path, "image/png", strings.NewReader("no picture")), 422, errno.PictureUnreadable, "")
	wantProblem(t, e.put(path, "image/png", bytes.NewReader(good[:len(good)-20])), 422, errno.PictureUnreadable, "")
	wantProblem(t, e.put(path, "image/png", bytes.NewReader(make([]byte, picture.MaxBytes+1))), 413, errno.PictureTooLarge, "8 MiB")
	chunked := io.MultiReader(bytes.NewReader(good), bytes.NewReader(make([]byte, picture.MaxBytes)))
	wantProblem(t, e.put(path, "image/png", chunked), 413, errno.PictureTooLarge, "8 MiB")
	wantProblem(t, e.put(path, "image/png", http.NoBody), 400, errno.InvalidArgument, "picture is missing")
	wantProblem(t, e.put(path, "image/svg+xml", strings.NewReader("<svg/>")), 415, errno.UnsupportedMediaType, "of type")
	wantProblem(t, e.put(path, "application/json", strings.NewReader("{}")), 415, errno.UnsupportedMediaType, "of type")
	wantProblem(t, e.put(path, "multipart/form-data; boundary=x", bytes.NewReader(good)), 415, errno.UnsupportedMediaType, "of type")
	visitor := e.do(request{method: "PUT", path: path, body: bytes.NewReader(good), header: map[string]string{"Content-Type": "image/png"}})
	wantProblem(t, visitor, 401, errno.Unauthenticated, "")
	wantProblem(t, e.do(request{method: "DELETE", path: path}), 401, errno.Unauthenticated, "")
	if left := files(t, dir); len(left) > 0 || a.now.AvatarKey != "elsewhere/x.jpg" {
		t.Errorf("after refusals: %v, %v", left, a.now.AvatarKey)
	}
	// A key that is none of this user's pictures is not deleted.
	if _, err := e.gwStore(dir).Put(t.Context(), "elsewhere/x.jpg", strings.NewReader("x"), ""); err != nil {
		t.Fatal(err)
	}
	if got := e.put(path, "image/png", bytes.NewReader(good)); got.StatusCode != 200 || len(files(t, dir)) != 2 {
		t.Errorf("%d %s, %v", got.StatusCode, got.body, files(t, dir))
	}
}

// gwStore opens the folder of withDir.
func (e *env) gwStore(dir string) blob.Store {
	e.t.Helper()
	store, err := blob.Open(e.t.Context(), blob.Config{Driver: "local", Dir: dir})
	if err != nil {
		e.t.Fatal(err)
	}
	return store
}

// A picture that is announced too large is refused after its first kilobytes.
func TestLargePictureIsNotRead(t *testing.T) {
	e, _ := withDir(t, (&oneAccount{now: user.User{Id: 7}}).fakes())
	c := connect(t, e)
	defer shut(c)
	send(t, c, "PUT /api/v1/me/avatar HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: image/png\r\n", e.token(7))
	send(t, c, "Content-Length: 1000000000\r\n\r\n%s", strings.Repeat("x", 16<<10))
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 12)
	if _, err := io.ReadFull(c, head); err != nil || string(head) != "HTTP/1.1 413" {
		t.Errorf("got %q %v", head, err)
	}
}

// When the update fails for certain, its picture goes; when nobody knows, it stays, because it may be shown.
func TestPictureOfAFailedUpdate(t *testing.T) {
	a := &oneAccount{now: user.User{Id: 7}, fail: errno.ProfileRefused, before: true}
	e, dir := withDir(t, a.fakes())
	wantProblem(t, e.put("/api/v1/me/avatar", "image/png", bytes.NewReader(pngOf(t, 9, 9))), 422, errno.ProfileRefused, "")
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("%v is left of a refused update", left)
	}
	a.fail, a.before = errno.Unavailable, false
	wantProblem(t, e.put("/api/v1/me/avatar", "image/png", bytes.NewReader(pngOf(t, 9, 9))), 503, errno.Unavailable, "")
	if left := files(t, dir); !slices.Equal(left, []string{a.now.AvatarKey}) {
		t.Errorf("shown is %q, stored %v", a.now.AvatarKey, left)
	}
	a.fail = nil
	if got := e.put("/api/v1/me/avatar", "image/png", bytes.NewReader(pngOf(t, 9, 9))); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	if left := files(t, dir); !slices.Equal(left, []string{a.now.AvatarKey}) {
		t.Errorf("shown is %q, stored %v", a.now.AvatarKey, left)
	}
}

// A file that an upload has left behind goes with the next edit, unless it is so young that its upload may be under way.
func TestPicturesLeftBehind(t *testing.T) {
	a := &oneAccount{now: user.User{Id: 7}}
	e, dir := withDir(t, a.fakes())
	store := e.gwStore(dir)
	for _, key := range []string{"avatars/7/old.jpg", "avatars/7/young.jpg", "avatars/77/old.jpg", "backgrounds/7/old.jpg"} {
		if _, err := store.Put(t.Context(), key, strings.NewReader("x"), ""); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(key, "/old.jpg") {
			then := time.Now().Add(-time.Hour)
			if err := os.Chtimes(filepath.Join(dir, key), then, then); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := e.put("/api/v1/me/avatar", "image/png", bytes.NewReader(pngOf(t, 9, 9))); got.StatusCode != 200 {
		t.Fatalf("%d %s", got.StatusCode, got.body)
	}
	want := []string{a.now.AvatarKey, "avatars/7/young.jpg", "avatars/77/old.jpg", "backgrounds/7/old.jpg"}
	got := files(t, dir)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("stored %v, want %v", got, want)
	}
}

// Of uploads at once one is shown, and its file is the one that is left.
func TestPicturesAtOnce(t *testing.T) {
	a := &oneAccount{now: user.User{Id: 7}}
	e, dir := withDir(t, a.fakes())
	var wg sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for i := range 12 {
		wg.Go(func() {
			got := e.put("/api/v1/me/background", "image/png", bytes.NewReader(pngOf(t, 300+i, 200)))
			mu.Lock()
			defer mu.Unlock()
			statuses[got.StatusCode]++
		})
	}
	wg.Wait()
	if statuses[200] == 0 || statuses[200]+statuses[429] != 12 {
		t.Errorf("answers by status: %v", statuses)
	}
	if left := files(t, dir); !slices.Equal(left, []string{a.now.BackgroundKey}) {
		t.Errorf("shown is %q, stored %v", a.now.BackgroundKey, left)
	}
}

func TestEditProfile(t *testing.T) {
	a := &oneAccount{now: user.User{Id: 7, Name: "ann"}}
	f := a.fakes()
	f.findUser = func(r *user.FindUserRequest) (*user.FindUserResponse, error) {
		if r.Username != "张 三?&#" {
			return nil, errno.UserNotFound
		}
		return &user.FindUserResponse{User: &user.User{Id: 7}}, nil
	}
	e := start(t, f)
	patch := func(body string) answer {
		t.Helper()
		return e.do(request{method: http.MethodPatch, path: "/api/v1/me", body: strings.NewReader(body), header: map[string]string{
			"Authorization": "Bearer " + e.token(7), "Content-Type": "application/json",
		}})
	}
	if got := patch(`{"display_name":"Ann <Li>","signature":"I film \"cats\"","is_admin":true}`); got.StatusCode != 200 ||
		got.json["display_name"] != "Ann <Li>" || got.json["signature"] != `I film "cats"` || got.json["name"] != "ann" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	for body, want := range map[string][2]string{ // absent and null stay, empty goes
		`{}`: {"Ann <Li>", `I film "cats"`}, `{"signature":null}`: {"Ann <Li>", `I film "cats"`}, `{"signature":""}`: {"Ann <Li>", ""},
	} {
		a.now.Signature = `I film "cats"`
		if got := patch(body); got.StatusCode != 200 || got.json["display_name"] != want[0] || got.json["signature"] != want[1] {
			t.Errorf("%s: %d %s", body, got.StatusCode, got.body)
		}
	}
	got := e.get("/douyin/user/", "user_id", "7")
	if shown, _ := got.json["user"].(map[string]any); shown["name"] != "Ann <Li>" {
		t.Errorf("/douyin shows %s", got.body)
	}
	before := a.now
	for _, body := range []string{
		``, `[]`, `null`, `{`, `{"signature":7}`, `{"display_name":{}}`, `{"signature":"a","signature":"b"}`,
		`{"signature":"\ud800"}`, "{\"signature\":\"\xff\"}",
	} {
		wantProblem(t, patch(body), 400, errno.InvalidArgument, " ")
	}
	a.fail, a.before = errno.ProfileRefused, true
	wantProblem(t, patch(`{"signature":"bad word"}`), 422, errno.ProfileRefused, "")
	if a.now != before {
		t.Errorf("a refused edit was stored: %+v", a.now)
	}
	got = e.do(request{method: "GET", path: "/api/v1/users/by-name/%E5%BC%A0%20%E4%B8%89%3F%26%23"})
	if got.StatusCode != 200 || got.json["id"] != float64(7) {
		t.Errorf("by name: %d %s", got.StatusCode, got.body)
	}
	for _, name := range []string{"nobody", "%ff", "%00", strings.Repeat("x", 400)} {
		wantProblem(t, e.do(request{method: "GET", path: "/api/v1/users/by-name/" + name}), 404, errno.UserNotFound, "")
	}
}
