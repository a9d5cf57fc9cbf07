package kv

import (
	"fmt"
	"testing"
)

// TestSeveralKindsInOneWrite: what one commit made old in several kinds costs one write; when it fails, none is served old.
func TestSeveralKindsInOneWrite(t *testing.T) {
	eachStore(t, func(t *testing.T, s *counting, o Options[int64, card]) {
		other := o
		other.Key = func(id int64) string { return fmt.Sprintf("%s:other", o.Key(id)) }
		tab := newTable(2)
		other.Kind = "other"
		own, _ := alone[card](t)
		kinds := []*LoadingCache[int64, card]{
			NewLoadingCache(s, o, tab.load), NewLoadingCache(s, other, tab.load), NewLoadingCache(own, o, tab.load),
		}
		none := NewLoadingCache(s, o, tab.load)
		Invalidate(t.Context(), none.Invalidation(), kinds[2].Invalidation(1))
		if mgets, sets := s.trips(); mgets+sets != 0 {
			t.Errorf("%d round trips for nothing that is in the store", mgets+sets)
		}
		for round, away := range []bool{false, true} {
			for _, c := range kinds {
				mustGet(t, c, 1, 2)
			}
			tab.put(card{ID: 1, Name: fmt.Sprint("committed ", round)})
			tab.put(card{ID: 2, Name: fmt.Sprint("committed ", round)})
			s.trips()
			s.away.Store(away)
			Invalidate(t.Context(), kinds[0].Invalidation(1, 2, 1), none.Invalidation(), kinds[1].Invalidation(2, 1), kinds[2].Invalidation(1, 2))
			if _, sets := s.trips(); sets != 1 && !away { // else it tries again in the background
				t.Errorf("%d writes, want 1", sets)
			}
			s.away.Store(false)
			for i, c := range kinds {
				got := mustGet(t, c, 1, 2)
				for id, v := range got {
					if v.Name != fmt.Sprint("committed ", round) {
						t.Errorf("kind %d, store away %v: id %d is %q", i, away, id, v.Name)
					}
				}
			}
		}
	})
}
