package service_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/internal/events/eventstest"
	"tiktok/cmd/user/dal/db"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/event"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func registered(uid int64, name string) eventstest.Message {
	return eventstest.Message{
		Topic: event.TOPIC_ACCOUNT, Events: []*event.Event{{UserRegistered: &event.UserRegistered{UserId: uid, Name: name}}},
	}
}

func profileChanged(uid int64) eventstest.Message {
	return eventstest.Message{Topic: event.TOPIC_ACCOUNT, Events: []*event.Event{{ProfileChanged: &event.ProfileChanged{UserId: uid}}}}
}

// Others are told of each account and each change of a profile once, and of nothing else.
func TestOthersAreTold(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := onDB(t, sql, id.New(0))
		ann := register(t, c, "ann", "secret")
		eventstest.Want(t, sql, registered(ann, "ann"))
		resp, err := c.Register(t.Context(), &user.RegisterRequest{Username: "张三", Password: "secret", Device: phone()})
		if err != nil {
			t.Fatal(err)
		}
		eventstest.Want(t, sql, registered(resp.UserId, "张三"))
		for _, taken := range []string{"ann", "x\x00"} {
			if _, err := c.Register(t.Context(), &user.RegisterRequest{Username: taken, Password: "secret"}); err == nil {
				t.Errorf("%q was registered", taken)
			}
		}
		eventstest.Want(t, sql)

		text, key, empty := "hello", "pictures/1", ""
		for what, req := range map[string]*user.UpdateProfileRequest{
			"name": {DisplayName: &text}, "signature": {Signature: &text}, "avatar": {AvatarKey: &key}, "background": {BackgroundKey: &key},
		} {
			t.Log(what)
			req.UserId = ann
			update(t, c, req)
			eventstest.Want(t, sql, profileChanged(ann))
			update(t, c, req)
			eventstest.Want(t, sql)
		}
		update(t, c, &user.UpdateProfileRequest{UserId: ann})
		_, err = c.UpdateProfile(t.Context(), &user.UpdateProfileRequest{UserId: ann + 1000, Signature: &text})
		want(t, err, errno.UserNotFound)
		eventstest.Want(t, sql)
		update(t, c, &user.UpdateProfileRequest{UserId: ann, DisplayName: &empty, Signature: &empty, AvatarKey: &empty, BackgroundKey: &key})
		eventstest.Want(t, sql, profileChanged(ann))
	})
}

// Of registrations of one name at once, others hear of the one that there is; nothing is stored of which they would not hear.
func TestOthersAreToldOfWhatIsStored(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := onDB(t, sql, id.New(0))
		var wg sync.WaitGroup
		var mu sync.Mutex
		var made []eventstest.Message
		for range 8 {
			wg.Go(func() {
				resp, err := c.Register(t.Context(), &user.RegisterRequest{Username: "ann", Password: "secret"})
				if err == nil {
					mu.Lock()
					made = append(made, registered(resp.UserId, "ann"))
					mu.Unlock()
				} else if !errors.Is(errno.From(err), errno.UserNameTaken) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(made) != 1 {
			t.Fatalf("%d accounts of one name", len(made))
		}
		eventstest.Want(t, sql, made...)

		if err := sql.Write.Exec("DROP TABLE outbox").Error; err != nil {
			t.Fatal(err)
		}
		text := "hello"
		uid := made[0].Events[0].UserRegistered.UserId
		if _, err := c.UpdateProfile(t.Context(), &user.UpdateProfileRequest{UserId: uid, Signature: &text}); err == nil {
			t.Error("a profile changed and nobody will hear of it")
		}
		if _, err := c.Register(t.Context(), &user.RegisterRequest{Username: "bob", Password: "secret"}); err == nil {
			t.Error("an account was made and nobody will hear of it")
		}
		if u := read(t, c, uid); u.Signature != "" {
			t.Errorf("the signature is %q", u.Signature)
		}
		if _, err := c.FindUser(t.Context(), &user.FindUserRequest{Username: "bob"}); !errors.Is(errno.From(err), errno.UserNotFound) {
			t.Errorf("bob: %v", err)
		}
	})
}

func TestMFindUsers(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := onDB(t, sql, id.New(0))
		ids := map[string]int64{}
		var names []string
		for i := range 20 {
			name := fmt.Sprint("用户", i)
			ids[name] = register(t, c, name, "secret")
			names = append(names, name)
		}
		nobodys := []string{"", " ", "nobody", "x\xff", "a\x00", strings.Repeat("x", 33), strings.Repeat("x", 10_000), "' OR 1=1"}
		asked := slices.Concat(nobodys, names, names[:1])
		count := sqldbtest.CountStatements(sql)
		for _, statements := range []int{1, 0} {
			before := count()
			resp, err := c.MFindUsers(t.Context(), &user.MFindUsersRequest{Names: asked})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(ids, resp.UserIds); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if n := count() - before; n != statements {
				t.Errorf("%d statements, want %d", n, statements)
			}
			asked = names
		}
		for _, none := range [][]string{nil, {""}, {"nobody"}} {
			if resp, err := c.MFindUsers(t.Context(), &user.MFindUsersRequest{Names: none}); err != nil || len(resp.UserIds) != 0 {
				t.Errorf("%q: %v, %v", none, resp, err)
			}
		}
		_, err := c.MFindUsers(t.Context(), &user.MFindUsersRequest{Names: make([]string, common.MAX_BATCH+1)})
		want(t, err, errno.InvalidArgument)
	})
}
