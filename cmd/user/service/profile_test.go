package service_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/user/dal/db"
	"tiktok/cmd/user/service"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/words"
)

// wordList is a filter of one word.
func wordList(t *testing.T, mode, word string) *words.Filter {
	t.Helper()
	file := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(file, []byte(word), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := words.Open(words.Config{File: file, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func update(t *testing.T, c userservice.Client, req *user.UpdateProfileRequest) *user.UpdateProfileResponse {
	t.Helper()
	resp, err := c.UpdateProfile(t.Context(), req)
	if err != nil {
		t.Fatalf("update %+v: %v", req, err)
	}
	return resp
}

// read is what a viewer sees of themselves.
func read(t *testing.T, c userservice.Client, uid int64) *user.User {
	t.Helper()
	resp, err := c.MGetUsers(t.Context(), &user.MGetUsersRequest{UserIds: []int64{uid}, ViewerIds: []int64{uid}})
	if err != nil || resp.Users[uid] == nil {
		t.Fatalf("read user %d: %v %v", uid, resp, err)
	}
	return resp.Users[uid]
}

func TestUpdateProfile(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := onDB(t, sql, id.New(0))
		uid, name, signature, key := register(t, c, "ann", "secret"), "  Ann Li 李 ", "I film <b>cats</b>", "avatars/1/a.jpg"
		want := read(t, c, uid)
		resp := update(t, c, &user.UpdateProfileRequest{UserId: uid, DisplayName: &name, Signature: &signature, AvatarKey: &key})
		want.DisplayName, want.Signature, want.AvatarKey = "Ann Li 李", signature, key
		if diff := cmp.Diff(&user.UpdateProfileResponse{User: want}, resp); diff != "" {
			t.Error(diff)
		}
		for range 2 { // doing so twice is doing so once
			next := "avatars/1/b.jpg"
			first := want.AvatarKey != next
			resp = update(t, c, &user.UpdateProfileRequest{UserId: uid, AvatarKey: &next})
			want.AvatarKey = next
			if diff := cmp.Diff(want, resp.User); diff != "" || (resp.ReplacedAvatarKey == key) != first {
				t.Error(resp.ReplacedAvatarKey, diff)
			}
		}
		none := ""
		resp = update(t, c, &user.UpdateProfileRequest{UserId: uid, DisplayName: &none, Signature: &none, AvatarKey: &none, BackgroundKey: &none})
		want.DisplayName, want.Signature, want.AvatarKey = "", "", ""
		if diff := cmp.Diff(want, resp.User); diff != "" || resp.ReplacedAvatarKey != "avatars/1/b.jpg" || resp.ReplacedBackgroundKey != "" {
			t.Error(resp, diff)
		}
		if diff := cmp.Diff(want, update(t, c, &user.UpdateProfileRequest{UserId: uid}).User); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUpdateProfileBadInput(t *testing.T) {
	d := deps(t, sqldbtest.SQLite(t, "user", db.Migrations()), kvtest.Shared(t), id.New(0))
	d.Words = wordList(t, words.Refuse, "赌博")
	c := client(t, service.New(d))
	uid := register(t, c, "ann", "secret")
	before := read(t, c, uid)
	names := map[string]*errno.Error{
		strings.Repeat("中", 33): errno.InvalidArgument, strings.Repeat("x", 20_000): errno.InvalidArgument, "a\nb": errno.InvalidArgument,
		"a\x00b": errno.InvalidArgument, "a\xff": errno.InvalidArgument, "a\u202eb": errno.InvalidArgument, "a\u200bb": errno.InvalidArgument,
		"\u200d": errno.InvalidArgument, "\ue000": errno.InvalidArgument,
		"Admin": errno.ProfileRefused, " a d m i n ": errno.ProfileRefused, "去赌博吧": errno.ProfileRefused,
	}
	fine := "fine"
	for name, target := range names {
		_, err := c.UpdateProfile(t.Context(), &user.UpdateProfileRequest{UserId: uid, DisplayName: &name, Signature: &fine})
		want(t, err, target)
	}
	for signature, target := range map[string]*errno.Error{
		strings.Repeat("中", 81): errno.InvalidArgument, "a\nb": errno.InvalidArgument, " \t ": errno.InvalidArgument,
		"\xc0\x80": errno.InvalidArgument, "赌\u200b博": errno.ProfileRefused,
	} {
		_, err := c.UpdateProfile(t.Context(), &user.UpdateProfileRequest{UserId: uid, DisplayName: &fine, Signature: &signature})
		want(t, err, target)
	}
	for _, key := range []string{"../../etc/passwd", "/a", "a//b", "a b", strings.Repeat("a", 256), "\x00"} {
		_, err := c.UpdateProfile(t.Context(), &user.UpdateProfileRequest{UserId: uid, Signature: &fine, AvatarKey: &key})
		want(t, err, errno.InvalidArgument)
		_, err = c.UpdateProfile(t.Context(), &user.UpdateProfileRequest{UserId: uid, Signature: &fine, BackgroundKey: &key})
		want(t, err, errno.InvalidArgument)
	}
	for _, nobody := range []int64{0, -1, 404} {
		_, err := c.UpdateProfile(t.Context(), &user.UpdateProfileRequest{UserId: nobody, Signature: &fine})
		want(t, err, errno.UserNotFound)
	}
	if diff := cmp.Diff(before, read(t, c, uid)); diff != "" {
		t.Error("a refused edit was stored:", diff)
	}
	longest := strings.Repeat("😀", 32)
	if got := update(t, c, &user.UpdateProfileRequest{UserId: uid, DisplayName: &longest}).User.DisplayName; got != longest {
		t.Errorf("got %q", got)
	}
}

func TestProfileWordsAreMasked(t *testing.T) {
	d := deps(t, sqldbtest.SQLite(t, "user", db.Migrations()), kvtest.Shared(t), id.New(0))
	d.Words = wordList(t, words.Mask, "casino")
	c := client(t, service.New(d))
	uid, name := register(t, c, "ann", "secret"), "Casino queen"
	got := update(t, c, &user.UpdateProfileRequest{UserId: uid, DisplayName: &name, Signature: &name}).User
	if got.DisplayName != "****** queen" || got.Signature != "****** queen" {
		t.Errorf("got %q and %q", got.DisplayName, got.Signature)
	}
}

// Each edit is in the author's next read, through whichever replica, although replicas keep profiles for a second; and after
// that second in everybody's.
func TestEditsShowAtOnceToTheirAuthor(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		shared, ids := kvtest.Shared(t), id.New(0)
		replicas := []userservice.Client{
			client(t, service.New(deps(t, sql, shared, ids))), client(t, service.New(deps(t, sql, shared, ids))),
		}
		uid := register(t, replicas[0], "ann", "secret")
		for i := range 20 {
			signature := strings.Repeat("x", i+1)
			for _, r := range replicas { // what is old is in every process now
				if _, err := r.MGetUsers(t.Context(), &user.MGetUsersRequest{UserIds: []int64{uid}}); err != nil {
					t.Fatal(err)
				}
			}
			update(t, replicas[i%2], &user.UpdateProfileRequest{UserId: uid, Signature: &signature})
			for _, r := range replicas {
				if got := read(t, r, uid).Signature; got != signature {
					t.Fatalf("edit %d: the author reads %d characters", i, len(got))
				}
			}
		}
	})
}

// failingStore loses every write while it is down.
type failingStore struct {
	kv.Store
	down bool
}

func (s *failingStore) Set(ctx context.Context, items []kv.Item) error {
	if s.down {
		return context.DeadlineExceeded
	}
	return s.Store.Set(ctx, items)
}

// An edit shows although the cache could not be told of it.
func TestEditWhileTheCacheIsAway(t *testing.T) {
	store := &failingStore{Store: kvtest.Shared(t)}
	c := client(t, service.New(deps(t, sqldbtest.SQLite(t, "user", db.Migrations()), store, id.New(0))))
	uid, signature := register(t, c, "ann", "secret"), "new"
	read(t, c, uid)
	store.down = true
	if got := update(t, c, &user.UpdateProfileRequest{UserId: uid, Signature: &signature}).User.Signature; got != signature {
		t.Errorf("got %q", got)
	}
	if got := read(t, c, uid).Signature; got != signature {
		t.Errorf("got %q", got)
	}
}

func TestFindUser(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		shared, ids := kvtest.Shared(t), id.New(0)
		a, b := client(t, service.New(deps(t, sql, shared, ids))), client(t, service.New(deps(t, sql, shared, ids)))
		find := func(c userservice.Client, name string) (*user.User, error) {
			resp, err := c.FindUser(t.Context(), &user.FindUserRequest{Username: name})
			if err != nil {
				return nil, err
			}
			return resp.User, nil
		}
		for _, name := range []string{"", " ", "张三", "x\xff", strings.Repeat("x", 33), strings.Repeat("x", 100_000), "' OR 1=1", "a\x00"} {
			_, err := find(a, name)
			want(t, err, errno.UserNotFound)
		}
		uid := register(t, b, "张三", "secret") // through another replica than the one that has just said that there is none
		count := sqldbtest.CountStatements(sql)
		before := count()
		for range 10 {
			if got, err := find(a, "张三"); err != nil || got.Id != uid || got.Name != "张三" {
				t.Fatalf("got %v %v", got, err)
			}
		}
		if n := count() - before; n > 2 {
			t.Errorf("%d statements for one name, want 2 at most", n)
		}
		_, err := find(a, "张三 ")
		want(t, err, errno.UserNotFound)
		name := "shown"
		update(t, a, &user.UpdateProfileRequest{UserId: uid, DisplayName: &name})
		if got, err := find(a, "张三"); err != nil || got.DisplayName != name {
			t.Errorf("got %v %v", got, err)
		}
		_, err = find(a, name) // what is shown is no name
		want(t, err, errno.UserNotFound)
	})
}

func TestViewersAreBounded(t *testing.T) {
	_, err := newClient(t).MGetUsers(t.Context(), &user.MGetUsersRequest{ViewerIds: make([]int64, common.MAX_BATCH+1)})
	want(t, err, errno.InvalidArgument)
}

// Edits of all fields at once do not undo each other.
func TestEditsAtOnce(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := onDB(t, sql, id.New(0))
		uid, value := register(t, c, "ann", "secret"), "pictures/1"
		var wg sync.WaitGroup
		for _, req := range []*user.UpdateProfileRequest{
			{DisplayName: &value},
			{Signature: &value},
			{AvatarKey: &value},
			{BackgroundKey: &value},
		} {
			wg.Go(func() {
				req.UserId = uid
				if _, err := c.UpdateProfile(t.Context(), req); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if u := read(t, c, uid); u.DisplayName != value || u.Signature != value || u.AvatarKey != value || u.BackgroundKey != value {
			t.Errorf("got %+v", u)
		}
	})
}
