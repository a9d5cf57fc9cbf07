package db_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"tiktok/cmd/user/dal/db"
	"tiktok/pkg/sqldb"
)

func seen(t *testing.T, s *db.Store, name, network string) int64 {
	t.Helper()
	c, err := s.FindCredentials(t.Context(), name, network)
	if err != nil {
		t.Fatal(err)
	}
	return c.SeenMs
}

func TestNetworksAreRemembered(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		for i, name := range []string{"ann", "bob"} {
			if err := s.Create(t.Context(), account(int64(i+1), name), nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		saw := func(user int64, network string, ms int64) {
			t.Helper()
			if err := s.SawNetwork(t.Context(), user, network, ms); err != nil {
				t.Fatal(err)
			}
		}
		saw(1, "192.0.2.1", 100)
		saw(1, "2001:db8:1234:5678::/64", 101)
		saw(1, strings.Repeat("x", 64), 102)
		saw(1, "192.0.2.1", 103)
		for network, want := range map[string]int64{
			"192.0.2.1": 103, "2001:db8:1234:5678::/64": 101, "2001:DB8:1234:5678::/64": 0, strings.Repeat("x", 64): 102, "192.0.2.2": 0, "": 0,
		} {
			if got := seen(t, s, "ann", network); got != want {
				t.Errorf("%s was seen at %d, want %d", network, got, want)
			}
			if got := seen(t, s, "bob", network); got != 0 {
				t.Errorf("%s of somebody else was seen at %d", network, got)
			}
		}
		// The last eight stay.
		saw(2, "192.0.2.1", 50)
		for i := range 20 {
			saw(1, fmt.Sprint("10.0.0.", i), int64(200+i))
		}
		for i := range 20 {
			if got, want := seen(t, s, "ann", fmt.Sprint("10.0.0.", i)) > 0, i >= 12; got != want {
				t.Errorf("network %d is known: %v, want %v", i, got, want)
			}
		}
		if seen(t, s, "ann", "192.0.2.1") != 0 || seen(t, s, "bob", "192.0.2.1") != 50 {
			t.Error("the wrong networks were forgotten")
		}
		if n, err := s.ForgetNetworks(t.Context(), 215); err != nil || n != 4 {
			t.Errorf("forgot %d (%v), want 4", n, err)
		}
		if seen(t, s, "ann", "10.0.0.15") != 215 || seen(t, s, "ann", "10.0.0.14") != 0 || seen(t, s, "bob", "192.0.2.1") != 0 {
			t.Error("networks of before 215 must be forgotten, others stay")
		}
	})
}

func TestManyOldNetworksAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, sql *sqldb.DB, s *db.Store) {
		const rows = 2500
		insert := "INSERT INTO login_networks (user_id, network, seen_ms) VALUES (?, 'x', ?)" + strings.Repeat(", (?, 'x', ?)", rows/10-1)
		for part := range 10 {
			var args []any
			for i := range rows / 10 {
				args = append(args, part*rows+i+1, 1+(part*rows/10+i)/2)
			}
			if err := sql.Write.WithContext(t.Context()).Exec(insert, args...).Error; err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.ForgetNetworks(t.Context(), 1<<40); err != nil || n != rows {
			t.Errorf("forgot %d (%v), want %d", n, err, rows)
		}
		if n, err := s.ForgetNetworks(t.Context(), 1<<40); err != nil || n != 0 {
			t.Errorf("again: %d (%v)", n, err)
		}
	})
}

func TestNetworksAtOnce(t *testing.T) {
	each(t, func(t *testing.T, _ *sqldb.DB, s *db.Store) {
		if err := s.Create(t.Context(), account(1, "ann"), nil, nil); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if err := s.SawNetwork(t.Context(), 1, fmt.Sprint("10.0.0.", i%10), int64(100+i)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		known := 0
		for i := range 10 {
			if seen(t, s, "ann", fmt.Sprint("10.0.0.", i)) > 0 {
				known++
			}
		}
		if known < 1 || known > 9 {
			t.Errorf("%d networks are known, want about 8", known)
		}
	})
}
