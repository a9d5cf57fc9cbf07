package db_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func each(t *testing.T, fn func(t *testing.T, s *db.Store)) {
	t.Helper()
	sqldbtest.Each(t, "discovery", db.Migrations(), func(t *testing.T, sql *sqldb.DB) { fn(t, db.New(sql)) })
}

// take asks for a lease and says whether it shall be had.
func take(t *testing.T, s *db.Store, holder string, ttl time.Duration, want bool) {
	t.Helper()
	if got, err := s.TakeLease(t.Context(), "work", holder, ttl); err != nil || got != want {
		t.Errorf("%s takes the lease: %v, want %v, %v", holder, got, want, err)
	}
}

func TestLease(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store) {
		const ttl = time.Hour
		take(t, s, "a", ttl, true)
		take(t, s, "b", ttl, false)
		take(t, s, "a", ttl, true)
		if got, err := s.TakeLease(t.Context(), "other", "b", ttl); err != nil || !got {
			t.Errorf("another lease: %v, %v", got, err)
		}
		if err := s.DropLease(t.Context(), "work", "b"); err != nil {
			t.Error(err)
		}
		take(t, s, "b", ttl, false)
		if err := s.DropLease(t.Context(), "work", "a"); err != nil {
			t.Error(err)
		}
		take(t, s, "b", ttl, true)
		take(t, s, "a", ttl, false)
		set := func(until string) {
			t.Helper()
			if err := s.Write.Exec("UPDATE leases SET until_ms = "+until+" WHERE name = ?", "work").Error; err != nil {
				t.Fatal(err)
			}
		}
		set("until_ms - 3600001") // its time is over
		take(t, s, "a", ttl, true)
		take(t, s, "b", ttl, false)
		set("until_ms + 3600000") // it was taken before the clock was set back
		take(t, s, "b", ttl, true)
	})
}

// Of many that ask at the same time one gets it.
func TestLeaseRace(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		holders := 0
		for i := range 10 {
			wg.Go(func() {
				got, err := s.TakeLease(t.Context(), "work", string(rune('a'+i)), time.Hour)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if got {
					holders++
				}
			})
		}
		wg.Wait()
		if holders != 1 {
			t.Errorf("%d holders", holders)
		}
	})
}

// One process works at a time, for longer than a lease lasts, and the next follows at once.
func TestLead(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store) {
		const ttl = 300 * time.Millisecond
		var wg sync.WaitGroup
		var mu sync.Mutex
		working, done := 0, 0
		for range 3 {
			wg.Go(func() {
				err := s.Lead(t.Context(), "work", ttl, func(ctx context.Context) error {
					mu.Lock()
					working++
					if working != 1 {
						t.Errorf("%d work", working)
					}
					mu.Unlock()
					select {
					case <-ctx.Done():
						t.Errorf("the lease is lost: %v", context.Cause(ctx))
					case <-time.After(2 * ttl):
					}
					mu.Lock()
					defer mu.Unlock()
					working--
					done++
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if done != 3 {
			t.Errorf("%d have worked", done)
		}
	})
}

// Who loses the lease stops. Who is told to stop gives it back.
func TestLeadLost(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store) {
		const ttl = 200 * time.Millisecond
		err := s.Lead(t.Context(), "work", ttl, func(ctx context.Context) error {
			if err := s.Write.Exec("UPDATE leases SET holder = 'x', until_ms = until_ms + 5 WHERE name = ?", "work").Error; err != nil {
				t.Error(err)
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, db.ErrLeaseLost) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err = s.Lead(ctx, "work", ttl, func(ctx context.Context) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, db.ErrLeaseLost) {
			t.Errorf("got %v", err)
		}
		take(t, s, "b", time.Hour, true)
	})
}

// Numbers have the order of commits, whatever many processes do at the same time.
func TestClock(t *testing.T) {
	each(t, func(t *testing.T, s *db.Store) {
		const writers, changes = 8, 20
		var wg sync.WaitGroup
		var mu sync.Mutex
		var numbers []int64
		for range writers {
			wg.Go(func() {
				for n := range changes {
					var got []int64
					err := s.Tx(t.Context(), func(tx *gorm.DB) error {
						got = nil
						if n%2 == 0 {
							first, err := s.NextSeq(tx, 2)
							got = append(got, first, first+1)
							return err
						}
						c, err := s.LockClock(tx)
						if err != nil {
							return err
						}
						got = append(got, c.Next(), c.Next())
						return c.Save(tx)
					})
					mu.Lock()
					numbers = append(numbers, got...)
					mu.Unlock()
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		slices.Sort(numbers)
		for i, n := range numbers {
			if n != int64(i)+1 {
				t.Fatalf("number %d is %d", i, n)
			}
		}
		if len(numbers) != 2*writers*changes {
			t.Errorf("%d numbers", len(numbers))
		}
		failed := errors.New("no")
		if err := s.Tx(t.Context(), func(tx *gorm.DB) error {
			_, err := s.NextSeq(tx, 5)
			return errors.Join(err, failed)
		}); !errors.Is(err, failed) {
			t.Error(err)
		}
		if err := s.Tx(t.Context(), func(tx *gorm.DB) error {
			n, err := s.NextSeq(tx, 1)
			if n != 2*writers*changes+1 {
				t.Errorf("what was not committed used numbers up: %d", n)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}
