package service_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tiktok/cmd/social/dal/cache"
	"tiktok/cmd/social/dal/db"
	"tiktok/cmd/social/rpc"
	"tiktok/cmd/social/service"
	"tiktok/config"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/kv/kvtest"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// nobody is the first id that fakeUsers does not know.
const nobody = 100_000

// fakeUsers knows the users 1..nobody-1.
type fakeUsers struct {
	user.UserService
	calls atomic.Int64
	fail  atomic.Pointer[error]
}

func (f *fakeUsers) MGetUsers(_ context.Context, req *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
	f.calls.Add(1)
	if err := f.fail.Load(); err != nil {
		return nil, *err
	}
	resp := &user.MGetUsersResponse{Users: map[int64]*user.User{}}
	for _, uid := range req.UserIds {
		if uid > 0 && uid < nobody {
			resp.Users[uid] = &user.User{Id: uid, Name: fmt.Sprint("user", uid)}
		}
	}
	return resp, nil
}

func peers(t testing.TB, users *fakeUsers) rpc.Peers {
	t.Helper()
	local, err := transport.Local("social", userservice.NewServer(users, transport.ServerOptions("user", telemetry.Discard())...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := userservice.NewClient("user", transport.Strict(), local)
	if err != nil {
		t.Fatal(err)
	}
	return rpc.Peers{Users: c}
}

// client puts svc behind a client whose messages cross the codec.
func client(t *testing.T, svc social.SocialService) socialservice.Client {
	t.Helper()
	local, err := transport.Local("test", socialservice.NewServer(svc, transport.ServerOptions("social", telemetry.Discard())...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := socialservice.NewClient("social", transport.Strict(), local)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fixture is a service on a database, behind a client.
type fixture struct {
	socialservice.Client
	sql   *sqldb.DB
	store *db.Store
	users *fakeUsers
}

func on(t *testing.T, sql *sqldb.DB) *fixture {
	t.Helper()
	cache := kvtest.Shared(t)
	f := &fixture{sql: sql, store: db.New(sql), users: &fakeUsers{}}
	f.Client = client(t, service.New(service.Deps{
		Store: f.store, Cache: cache, IDs: id.New(0), Peers: peers(t, f.users), Tel: telemetry.Discard(),
	}))
	return f
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return on(t, sqldbtest.SQLite(t, "social", db.Migrations()))
}

func each(t *testing.T, fn func(t *testing.T, f *fixture)) {
	t.Helper()
	sqldbtest.Each(t, "social", db.Migrations(), func(t *testing.T, sql *sqldb.DB) { fn(t, on(t, sql)) })
}

func (f *fixture) follow(t *testing.T, from, to int64) {
	t.Helper()
	if _, err := f.Follow(t.Context(), &social.FollowRequest{UserId: from, ToUserId: to}); err != nil {
		t.Errorf("%d follows %d: %v", from, to, err)
	}
}

func (f *fixture) unfollow(t *testing.T, from, to int64) {
	t.Helper()
	if _, err := f.Unfollow(t.Context(), &social.UnfollowRequest{UserId: from, ToUserId: to}); err != nil {
		t.Errorf("%d unfollows %d: %v", from, to, err)
	}
}

// relation is a user as a viewer sees him.
type relation struct {
	FollowCount, FollowerCount int64
	IsFollow                   bool
}

// relations are users as the viewer sees them; 0 is a visitor.
func (f *fixture) relations(t *testing.T, viewer int64, ids ...int64) map[int64]relation {
	t.Helper()
	req := &social.MGetRelationsRequest{UserIds: ids}
	if viewer > 0 {
		req.ViewerQueries = []*social.ViewerQuery{{ViewerId: viewer, UserIds: ids}}
	}
	resp, err := f.MGetRelations(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int64]relation{}
	for id, r := range resp.Relations {
		out[id] = relation{FollowCount: r.FollowCount, FollowerCount: r.FollowerCount}
	}
	for _, s := range resp.ViewerStates {
		for _, id := range s.FollowedIds {
			r := out[id]
			r.IsFollow = true
			out[id] = r
		}
	}
	return out
}

func (f *fixture) audit(t *testing.T) {
	t.Helper()
	if n, err := f.store.Audit(t.Context(), t.Errorf); n != 0 || err != nil {
		t.Errorf("audit: %d mismatches, %v", n, err)
	}
}

// want checks the business error that came over the wire.
func want(t *testing.T, err error, target *errno.Error) {
	t.Helper()
	if err == nil || !errors.Is(errno.From(err), target) {
		t.Errorf("got error %v, want %v", err, target)
	}
}

func TestFollowIsSeenAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		zero := map[int64]relation{1: {}, 2: {}}
		if diff := cmp.Diff(zero, f.relations(t, 1, 1, 2)); diff != "" { // and now they are cached as such
			t.Error(diff)
		}
		for range 2 { // the second time changes nothing
			f.follow(t, 1, 2)
			followed := map[int64]relation{1: {FollowCount: 1}, 2: {FollowerCount: 1, IsFollow: true}}
			if diff := cmp.Diff(followed, f.relations(t, 1, 1, 2)); diff != "" {
				t.Error(diff)
			}
		}
		seenBy2 := map[int64]relation{1: {FollowCount: 1}, 2: {FollowerCount: 1}}
		for _, viewer := range []int64{2, 0, 77} {
			if diff := cmp.Diff(seenBy2, f.relations(t, viewer, 1, 2)); diff != "" {
				t.Errorf("viewer %d: %s", viewer, diff)
			}
		}
		for range 2 {
			f.unfollow(t, 1, 2)
			if diff := cmp.Diff(zero, f.relations(t, 1, 1, 2)); diff != "" {
				t.Error(diff)
			}
		}
		f.audit(t)
	})
}

func TestWriteErrors(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		from, to int64
		want     *errno.Error
	}{
		{1, 1, errno.SocialSelf},
		{1, nobody, errno.UserNotFound},
		{nobody, 1, errno.UserNotFound},
		{nobody, nobody, errno.SocialSelf},
		{1, 0, errno.UserNotFound},
		{1, -5, errno.UserNotFound},
		{0, 1, errno.UserNotFound},
		{0, 0, errno.UserNotFound},
	} {
		t.Run(fmt.Sprintf("%d to %d", c.from, c.to), func(t *testing.T) {
			_, err := f.Follow(t.Context(), &social.FollowRequest{UserId: c.from, ToUserId: c.to})
			want(t, err, c.want)
			_, err = f.Unfollow(t.Context(), &social.UnfollowRequest{UserId: c.from, ToUserId: c.to})
			want(t, err, c.want)
		})
	}
	if diff := cmp.Diff(map[int64]relation{1: {}}, f.relations(t, 2, 1)); diff != "" {
		t.Error(diff)
	}
	f.audit(t)
}

// Both users are looked up in one call, and when that fails nothing is stored.
func TestUserServiceFails(t *testing.T) {
	f := newFixture(t)
	f.follow(t, 1, 2)
	if n := f.users.calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
	for _, c := range []struct{ fail, want error }{
		{errno.Unavailable, errno.Unavailable},
		{context.DeadlineExceeded, errno.Unavailable},
		{errors.New("disk on fire"), errno.Internal},
	} {
		f.users.fail.Store(&c.fail)
		_, err := f.Follow(t.Context(), &social.FollowRequest{UserId: 1, ToUserId: 3})
		if err == nil || !errors.Is(errno.From(err), c.want) {
			t.Errorf("%v: got %v", c.fail, err)
		}
	}
	if r := f.relations(t, 1, 3)[3]; r.IsFollow || r.FollowerCount != 0 {
		t.Errorf("got %v", r)
	}
}

func TestMGetRelationsInput(t *testing.T) {
	f := newFixture(t)
	f.follow(t, 1, 2)
	got := f.relations(t, 1, 2, 2, 0, -1, nobody)
	if diff := cmp.Diff(map[int64]relation{2: {FollowerCount: 1, IsFollow: true}, nobody: {}}, got); diff != "" {
		t.Error(diff)
	}
	if got := f.relations(t, 1); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	for _, bad := range []*social.MGetRelationsRequest{
		{UserIds: make([]int64, common.MAX_BATCH+1)},
		{ViewerQueries: []*social.ViewerQuery{{UserIds: []int64{1}}}},
		{ViewerQueries: []*social.ViewerQuery{{ViewerId: 1, UserIds: make([]int64, social.MAX_VIEWER_IDS)}, {ViewerId: 2, UserIds: []int64{1}}}},
		{ViewerQueries: make([]*social.ViewerQuery, common.MAX_BATCH+1)},
	} {
		_, err := f.MGetRelations(t.Context(), bad)
		want(t, err, errno.InvalidArgument)
	}
}

// Who follows more than is held is looked up pair by pair, and sees the same; many viewers are one call.
func TestManyFollowed(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var all []int64
		for i := range int64(cache.Most(db.Following) + 1) {
			all = append(all, i+10)
			if _, err := f.store.Follow(t.Context(), db.Follow{ID: i + 1, UserID: 1, ToUserID: i + 10}); err != nil {
				t.Fatal(err)
			}
			if i < 2 {
				if _, err := f.store.Follow(t.Context(), db.Follow{ID: 10_000 + i, UserID: 2, ToUserID: i + 10}); err != nil {
					t.Fatal(err)
				}
			}
		}
		seen := func() [][]int64 {
			resp, err := f.MGetRelations(t.Context(), &social.MGetRelationsRequest{ViewerQueries: []*social.ViewerQuery{
				{ViewerId: 1, UserIds: all},
				{ViewerId: 3, UserIds: all},
				{ViewerId: 2, UserIds: all},
				{ViewerId: 1, UserIds: []int64{2, 12}},
				{ViewerId: 1},
			}})
			if err != nil {
				t.Fatal(err)
			}
			var out [][]int64
			for _, s := range resp.ViewerStates {
				out = append(out, s.FollowedIds)
			}
			return out
		}
		if diff := cmp.Diff([][]int64{all, nil, {10, 11}, {12}, nil}, seen(), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		f.unfollow(t, 1, 12)
		f.follow(t, 2, 12)
		rest := slices.DeleteFunc(slices.Clone(all), func(id int64) bool { return id == 12 })
		if diff := cmp.Diff([][]int64{rest, nil, {10, 11, 12}, nil, nil}, seen(), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMGetRelationsCost(t *testing.T) {
	f := newFixture(t)
	var ids []int64
	for i := range int64(100) {
		ids = append(ids, i+2)
		f.follow(t, 1, i+2)
	}
	count := sqldbtest.CountStatements(f.sql)
	cost := func(f *fixture, viewer int64, ids ...int64) int {
		before := count()
		f.relations(t, viewer, ids...)
		return count() - before
	}
	for _, n := range []int{1, 100} {
		cold := on(t, f.sql)
		if used := cost(cold, 1, ids[:n]...); used != 2 {
			t.Errorf("%d ids, cold: %d statements, want counters and flags", n, used)
		}
		if used := cost(cold, 1, ids[:n]...); used != 0 {
			t.Errorf("%d ids, cached: %d statements", n, used)
		}
		if used := cost(cold, 0, ids[:n]...); used != 0 {
			t.Errorf("%d ids, cached, visitor: %d statements", n, used)
		}
	}
	if used := cost(f, 5, 5); used > 1 {
		t.Errorf("oneself: %d statements", used)
	}
}

// lists are the three lists as one kind of function.
func (f *fixture) lists() map[string]func(context.Context, int64, *common.Page) ([]int64, string, error) {
	return map[string]func(context.Context, int64, *common.Page) ([]int64, string, error){
		"following": func(ctx context.Context, uid int64, p *common.Page) ([]int64, string, error) {
			r, err := f.ListFollowing(ctx, &social.ListFollowingRequest{UserId: uid, Page: p})
			if err != nil {
				return nil, "", err
			}
			return r.UserIds, r.NextCursor, nil
		},
		"followers": func(ctx context.Context, uid int64, p *common.Page) ([]int64, string, error) {
			r, err := f.ListFollowers(ctx, &social.ListFollowersRequest{UserId: uid, Page: p})
			if err != nil {
				return nil, "", err
			}
			return r.UserIds, r.NextCursor, nil
		},
		"friends": func(ctx context.Context, uid int64, p *common.Page) ([]int64, string, error) {
			r, err := f.ListFriends(ctx, &social.ListFriendsRequest{UserId: uid, Page: p})
			if err != nil {
				return nil, "", err
			}
			return r.UserIds, r.NextCursor, nil
		},
	}
}

// A list that fits one page costs a statement once; one that is longer than what is held costs one each time, and so do
// pages.
func TestListsCost(t *testing.T) {
	f := newFixture(t)
	for i := int64(2); i < 12; i++ {
		f.follow(t, 1, i)
		f.follow(t, i, 1)
	}
	most := int64(cache.Most(db.Followers))
	for i := range most + 1 {
		f.follow(t, 1000+i, 500)
	}
	count := sqldbtest.CountStatements(f.sql)
	cost := func(name string, uid int64, page *common.Page, want int) (users int) {
		t.Helper()
		before := count()
		ids, _, err := f.lists()[name](t.Context(), uid, page)
		if err != nil {
			t.Fatal(err)
		}
		if used := count() - before; used != want {
			t.Errorf("%s of %d: %d statements, want %d", name, uid, used, want)
		}
		return len(ids)
	}
	for name := range f.lists() {
		for _, want := range []int{1, 0} {
			if n := cost(name, 1, nil, want); n != 10 {
				t.Errorf("%d %s, want 10", n, name)
			}
		}
		cost(name, 1, &common.Page{Limit: 9}, 1)
		cost(name, 1, &common.Page{Limit: 10}, 0)
	}
	for _, want := range []int{2, 1} {
		if n := cost("followers", 500, nil, want); n != int(most+1) {
			t.Errorf("%d followers, want %d", n, most+1)
		}
	}
	f.unfollow(t, 2, 1)
	for name, want := range map[string]int{"following": 10, "followers": 9, "friends": 9} {
		if n := cost(name, 1, nil, map[bool]int{true: 0, false: 1}[name == "following"]); n != want {
			t.Errorf("%d %s after one has left, want %d", n, name, want)
		}
	}
}

func TestLists(t *testing.T) {
	f := newFixture(t)
	const n = 20
	var newestFirst []int64
	for i := int64(2); i < n+2; i++ {
		f.follow(t, 1, i)
		f.follow(t, i, 1)
		newestFirst = append([]int64{i}, newestFirst...)
	}
	f.follow(t, 1, 500) // not back
	f.follow(t, 600, 1)
	wants := map[string][]int64{
		"following": append([]int64{500}, newestFirst...),
		"followers": append([]int64{600}, newestFirst...),
		"friends":   newestFirst,
	}
	for name, list := range f.lists() {
		t.Run(name, func(t *testing.T) {
			all, next, err := list(t.Context(), 1, nil)
			if diff := cmp.Diff(wants[name], all); diff != "" || next != "" || err != nil {
				t.Errorf("no page: %s, cursor %q, %v", diff, next, err)
			}
			for _, limit := range []int32{1, 7, 20, 21, 1000} {
				var got []int64
				pages := 0
				for cursor := ""; ; pages++ {
					ids, next, err := list(t.Context(), 1, &common.Page{Cursor: cursor, Limit: limit})
					if err != nil || len(ids) == 0 || len(ids) > int(limit) {
						t.Fatalf("page of %d: %v %v", limit, ids, err)
					}
					got = append(got, ids...)
					if cursor = next; cursor == "" {
						break
					}
				}
				if diff := cmp.Diff(wants[name], got); diff != "" {
					t.Errorf("pages of %d: %s", limit, diff)
				}
				if want := (len(got) - 1) / int(limit); pages != want {
					t.Errorf("pages of %d: %d more, want %d", limit, pages, want)
				}
			}
			ids, next, err := list(t.Context(), nobody, nil)
			if len(ids) != 0 || next != "" || err != nil {
				t.Errorf("unknown user: %v %q %v", ids, next, err)
			}
			for _, p := range []*common.Page{
				{Limit: -1},
				{Limit: common.MAX_BATCH + 1},
				{Cursor: "x"},
				{Cursor: "-1"},
				{Cursor: "0"},
				{Cursor: "1 OR 1=1"},
				{Cursor: "99999999999999999999"},
			} {
				_, _, err := list(t.Context(), 1, p)
				want(t, err, errno.InvalidArgument)
			}
			for _, uid := range []int64{0, -1} {
				_, _, err := list(t.Context(), uid, nil)
				want(t, err, errno.InvalidArgument)
			}
		})
	}
}

func TestManyFollowsOfOnePair(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { f.follow(t, 1, 2) })
		}
		wg.Wait()
		got := f.relations(t, 1, 1, 2)
		if diff := cmp.Diff(map[int64]relation{1: {FollowCount: 1}, 2: {FollowerCount: 1, IsFollow: true}}, got); diff != "" {
			t.Error(diff)
		}
		f.audit(t)
	})
}

func TestFiftyFollowersOfOne(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var wg sync.WaitGroup
		for i := range int64(50) {
			wg.Go(func() {
				f.follow(t, i+2, 1)
				if !f.relations(t, i+2, 1)[1].IsFollow {
					t.Errorf("user %d does not see the own follow", i+2)
				}
			})
		}
		wg.Wait()
		if got := f.relations(t, 0, 1)[1].FollowerCount; got != 50 {
			t.Errorf("%d followers", got)
		}
		f.audit(t)
	})
}

// Mutual follows and unfollows with readers in between: in the end what the cache answers, the counters and the lists
// are the same.
func TestMutualStorm(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const members = 5
		all := []int64{1, 2, 3, 4, 5}
		var wg sync.WaitGroup
		for w := range uint64(12) {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(2, w))
				for range 40 {
					a := random.Int64N(members) + 1
					b := a%members + 1
					switch random.IntN(5) {
					case 0:
						f.follow(t, a, b)
					case 1:
						f.follow(t, b, a)
					case 2:
						f.unfollow(t, a, b)
					case 3:
						f.unfollow(t, b, a)
					default:
						f.relations(t, a, all...)
						for name, list := range f.lists() {
							if _, _, err := list(t.Context(), a, nil); err != nil {
								t.Errorf("%s: %v", name, err)
							}
						}
					}
				}
			})
		}
		wg.Wait()
		f.audit(t)
		got := f.relations(t, 0, all...)
		for _, uid := range all {
			following, err := f.ListFollowing(t.Context(), &social.ListFollowingRequest{UserId: uid})
			if err != nil {
				t.Fatal(err)
			}
			followers, err := f.ListFollowers(t.Context(), &social.ListFollowersRequest{UserId: uid})
			if err != nil {
				t.Fatal(err)
			}
			friends, err := f.ListFriends(t.Context(), &social.ListFriendsRequest{UserId: uid})
			if err != nil {
				t.Fatal(err)
			}
			mutual := slices.DeleteFunc(slices.Clone(following.UserIds), func(id int64) bool { return !slices.Contains(followers.UserIds, id) })
			if diff := cmp.Diff(mutual, friends.UserIds); diff != "" {
				t.Errorf("user %d: friends: %s", uid, diff)
			}
			if r := got[uid]; int(r.FollowCount) != len(following.UserIds) || int(r.FollowerCount) != len(followers.UserIds) {
				t.Errorf("user %d: counters %v, lists %v and %v", uid, r, following.UserIds, followers.UserIds)
			}
		}
	})
}

func TestOpen(t *testing.T) {
	cfg := config.Default()
	cfg.DB.Dir = t.TempDir()
	for restart := range 2 {
		svc, err := service.Open(t.Context(), cfg, telemetry.Discard(), id.New(0), peers(t, &fakeUsers{}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := svc.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		f := &fixture{Client: client(t, svc)}
		if restart == 0 {
			f.follow(t, 1, 2)
		}
		if r := f.relations(t, 1, 2)[2]; !r.IsFollow || r.FollowerCount != 1 {
			t.Errorf("start %d: %v", restart+1, r)
		}
		if err := svc.Close(); err != nil {
			t.Error(err)
		}
		if err := svc.Ready(t.Context()); err == nil {
			t.Error("a closed service says it is ready")
		}
	}
}
