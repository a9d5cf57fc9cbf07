package middleware

import (
	"hash/maphash"
	"math"
	"math/bits"
	"sync"
	"time"
)

const (
	// activeMinutes is how long a user counts as active: the current minute and those before it.
	activeMinutes = 5
	// activeBits is the size of one minute's bitmap. 32 KiB count three million users within 1 %.
	activeBits = 1 << 18
)

// activeUsers estimates the number of different users in the last minutes in constant memory, by linear counting: each user sets
// one bit of the minute's bitmap, and the share of unset bits gives the number (Whang, Vander-Zanden, Taylor 1990). It
// keeps no ids.
type activeUsers struct {
	seed maphash.Seed
	now  func() time.Time

	mu      sync.Mutex
	minutes [activeMinutes]minute // guarded by mu; a minute stands at its number modulo the length
}

type minute struct {
	number int64 // minutes since 1970
	bits   []uint64
}

func newActiveUsers(now func() time.Time) *activeUsers {
	a := &activeUsers{seed: maphash.MakeSeed(), now: now}
	for i := range a.minutes {
		a.minutes[i].bits = make([]uint64, activeBits/64)
	}
	return a
}

// seen counts a user now.
func (a *activeUsers) seen(user int64) {
	// Ids are ordered by time: their own bits are not spread evenly.
	bit := maphash.Comparable(a.seed, user) % activeBits
	number := a.now().Unix() / 60
	a.mu.Lock()
	defer a.mu.Unlock()
	m := &a.minutes[number%activeMinutes]
	if m.number != number {
		m.number = number
		clear(m.bits)
	}
	m.bits[bit/64] |= 1 << (bit % 64)
}

// estimate is how many users were seen in the last minutes.
func (a *activeUsers) estimate() float64 {
	number := a.now().Unix() / 60
	all := make([]uint64, activeBits/64)
	a.mu.Lock()
	for _, m := range a.minutes {
		if age := number - m.number; age >= 0 && age < activeMinutes {
			for i, word := range m.bits {
				all[i] |= word
			}
		}
	}
	a.mu.Unlock()
	unset := activeBits
	for _, word := range all {
		unset -= bits.OnesCount64(word)
	}
	// A full bitmap says only that there were more than can be told.
	return math.Round(activeBits * math.Log(activeBits/float64(max(unset, 1))))
}
