package service_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tiktok/kitex_gen/social"
	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Pages have every follow once, by its pair, and none that ended. A page costs one statement.
func TestScanFollows(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		began := time.Now().UnixMilli()
		type pair struct{ from, to int64 }
		var all []pair
		for from := int64(1); from <= 4; from++ {
			for to := int64(1); to <= 5; to++ {
				if from != to {
					f.follow(t, from, to)
					all = append(all, pair{from, to})
				}
			}
		}
		f.unfollow(t, 2, 3)
		all = slices.DeleteFunc(all, func(p pair) bool { return p == pair{2, 3} })
		slices.SortFunc(all, func(a, b pair) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
		count := sqldbtest.CountStatements(f.sql)
		for _, limit := range []int{1, 2, 3, 5, 14, 15, 16} {
			var got []pair
			for after, more := (pair{}), true; more; {
				before := count()
				req := &social.ScanFollowsRequest{AfterUserId: after.from, AfterToUserId: after.to, Limit: int32(limit)}
				resp, err := f.ScanFollows(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if n := count() - before; n != 1 {
					t.Errorf("a page costs %d statements", n)
				}
				for _, l := range resp.Follows {
					after = pair{l.UserId, l.ToUserId}
					got = append(got, after)
					if l.AtMs < began || l.AtMs > time.Now().UnixMilli() {
						t.Errorf("%+v began at another time", l)
					}
				}
				more = len(resp.Follows) == limit
			}
			if diff := gocmp.Diff(all, got, gocmp.AllowUnexported(pair{})); diff != "" {
				t.Errorf("in pages of %d: %s", limit, diff)
			}
		}
		for _, bad := range []*social.ScanFollowsRequest{
			{}, {Limit: 1001}, {Limit: -1}, {AfterUserId: -1, Limit: 1}, {AfterToUserId: -1, Limit: 1},
		} {
			_, err := f.ScanFollows(t.Context(), bad)
			want(t, err, errno.InvalidArgument)
		}
	})
}
