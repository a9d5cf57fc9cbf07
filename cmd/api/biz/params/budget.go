package params

import "sync/atomic"

// Budget bounds the bytes of all bodies that are in memory at the same time. Its zero value allows none. It is safe for
// concurrent use.
type Budget struct {
	max           int64
	used, refused atomic.Int64
}

// NewBudget makes a budget of limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{max: limit} }

// take reserves n bytes, or none and returns false when they are not left.
func (b *Budget) take(n int64) bool {
	if b.used.Add(n) > b.max {
		b.used.Add(-n)
		b.refused.Add(1)
		return false
	}
	return true
}

// Give returns n bytes that ReadBody held.
func (b *Budget) Give(n int64) { b.used.Add(-n) }

// Refused is how many bodies found too little left.
func (b *Budget) Refused() int64 { return b.refused.Load() }

// Used is how many bytes are reserved.
func (b *Budget) Used() int64 { return b.used.Load() }
