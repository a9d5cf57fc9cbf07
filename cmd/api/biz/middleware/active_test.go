package middleware

import (
	"math"
	"sync"
	"testing"
	"time"
)

func TestActiveUsersIsCloseForAnyNumber(t *testing.T) {
	for _, n := range []int{0, 1, 10, 1000, 100_000, 1_000_000} {
		a := newActiveUsers(time.Now)
		for i := range n {
			for range 2 { // a user who comes again is the same user
				a.seen(int64(i)<<22 | 7)
			}
		}
		if got := a.estimate(); math.Abs(got-float64(n)) > 2+0.01*float64(n) {
			t.Errorf("%d users are taken for %v", n, got)
		}
	}
}

func TestActiveUsersForgets(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	a := newActiveUsers(func() time.Time { return now })
	for i, want := range []float64{1, 2, 3, 4, 5, 5, 5} {
		a.seen(int64(i))
		if got := a.estimate(); got != want {
			t.Errorf("minute %d: %v, want %v", i, got, want)
		}
		now = now.Add(time.Minute)
	}
	if got := a.estimate(); got != 4 {
		t.Errorf("a minute later: %v", got)
	}
	now = now.Add(time.Hour)
	if got := a.estimate(); got != 0 {
		t.Errorf("an hour later: %v", got)
	}
}

func TestActiveUsersOfManyAtOnce(t *testing.T) {
	a := newActiveUsers(time.Now)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				a.seen(int64(g*100 + i)) // neighbours overlap by half
				_ = a.estimate()
			}
		})
	}
	wg.Wait()
	if got := a.estimate(); math.Abs(got-900) > 15 {
		t.Errorf("%v, want about 900", got)
	}
}
