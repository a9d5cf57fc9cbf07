// Package heat counts signals that lose weight with time, a half each half-life, in one number which never has to be written again just
// because time passes.
//
// A heat is a time in milliseconds since 1970: when a single signal of weight 1 would have come that weighs as much as all signals do
// together. It is halfLife · log2(Σ weight · 2^(at/halfLife)). Both sides of a comparison lose the same share with time, so their order
// stays, a database can index it, and no number grows beyond what a double holds. Another half-life may be set at any time: what was
// counted keeps its place among the new. None (0) is no signal.
package heat

import (
	"math"
	"time"
)

// None is the heat of what has no signal.
const None = 0.0

// Add returns heat with one more signal of a weight above 0 that came at atMs.
func Add(heat, weight float64, atMs int64, halfLife time.Duration) float64 {
	one := of(weight, atMs, halfLife)
	if heat <= None {
		return one
	}
	high, low := max(heat, one), min(heat, one)
	return high + ms(halfLife)*math.Log2(1+math.Exp2((low-high)/ms(halfLife)))
}

// Remove returns heat without a signal that Add has counted. It is exact to about a millionth of what heat was: where less is left, it is
// None.
func Remove(heat, weight float64, atMs int64, halfLife time.Duration) float64 {
	if heat <= None {
		return None
	}
	const noise = 1e-6
	left := 1 - math.Exp2((of(weight, atMs, halfLife)-heat)/ms(halfLife))
	if left < noise {
		return None
	}
	return max(None, heat+ms(halfLife)*math.Log2(left))
}

// At is what all signals weigh at a time: 1 for one of weight 1 that comes just then, half of it a half-life later. 0 for None.
func At(heat float64, nowMs int64, halfLife time.Duration) float64 {
	if heat <= None {
		return 0
	}
	return math.Exp2((heat - float64(nowMs)) / ms(halfLife))
}

// of is the heat of one signal. It is above None: no signal is of 1970.
func of(weight float64, atMs int64, halfLife time.Duration) float64 {
	return max(1, float64(atMs)+ms(halfLife)*math.Log2(weight))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
