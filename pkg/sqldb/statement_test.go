package sqldb_test

import (
	"testing"

	"tiktok/pkg/sqldb"
)

func TestRepeated(t *testing.T) {
	for _, c := range []struct {
		n            int
		union, pairs string
	}{
		{-1, "", ""},
		{0, "", ""},
		{1, "SELECT ?", "(?,?)"},
		{3, "SELECT ? UNION ALL SELECT ? UNION ALL SELECT ?", "(?,?),(?,?),(?,?)"},
	} {
		if got := sqldb.UnionAll("SELECT ?", c.n); got != c.union {
			t.Errorf("UnionAll %d: %q, want %q", c.n, got, c.union)
		}
		if got := sqldb.Pairs(c.n); got != c.pairs {
			t.Errorf("Pairs %d: %q, want %q", c.n, got, c.pairs)
		}
	}
}
