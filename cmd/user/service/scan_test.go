package service_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/user/dal/db"
	"tiktok/kitex_gen/user"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Pages have every account once, by id, with the names that it has now, and cost one statement.
func TestScanUsers(t *testing.T) {
	sqldbtest.Each(t, "user", db.Migrations(), func(t *testing.T, sql *sqldb.DB) {
		c := onDB(t, sql, id.New(0))
		var all []*user.Account
		for i := range 7 {
			name := fmt.Sprintf("user%d", i)
			all = append(all, &user.Account{Id: register(t, c, name, "password"), Name: name, ShownName: name})
		}
		shown := "另一个"
		update(t, c, &user.UpdateProfileRequest{UserId: all[3].Id, DisplayName: &shown})
		all[3].ShownName = shown
		count := sqldbtest.CountStatements(sql)
		for limit := 1; limit <= 8; limit++ {
			var got []*user.Account
			for after, more := int64(0), true; more; {
				before := count()
				resp, err := c.ScanUsers(t.Context(), &user.ScanUsersRequest{AfterId: after, Limit: int32(limit)})
				if err != nil {
					t.Fatal(err)
				}
				if n := count() - before; n != 1 {
					t.Errorf("a page costs %d statements", n)
				}
				got = append(got, resp.Accounts...)
				if more = len(resp.Accounts) == limit; more {
					after = resp.Accounts[limit-1].Id
				}
			}
			if diff := cmp.Diff(all, got); diff != "" {
				t.Errorf("in pages of %d: %s", limit, diff)
			}
		}
		for _, bad := range []*user.ScanUsersRequest{{}, {Limit: 1001}, {Limit: -1}, {AfterId: -1, Limit: 1}} {
			_, err := c.ScanUsers(t.Context(), bad)
			want(t, err, errno.InvalidArgument)
		}
		plan := sqldbtest.Explain(t, sql, "SELECT id FROM users WHERE id > ? ORDER BY id LIMIT ?", 10, 1000)
		for _, wrong := range []string{"TEMP B-TREE", "filesort"} {
			if strings.Contains(plan, wrong) {
				t.Errorf("plan: %s", plan)
			}
		}
	})
}
