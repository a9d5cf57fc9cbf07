package heat_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tiktok/cmd/discovery/heat"
)

type signal struct {
	weight float64
	atMs   int64
}

// drawn is one random case: signals of thirty years from 2020 on, often close to each other, and a half-life of a minute to a year.
type drawn struct {
	*rand.Rand
	halfLife time.Duration
}

// each runs a check on many random cases, which are the same every time.
func each(t *testing.T, check func(t *testing.T, d drawn)) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		check(t, drawn{Rand: r, halfLife: time.Duration(math.Exp(math.Log(60)+r.Float64()*math.Log(365*24*60)) * float64(time.Second))})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func (d drawn) signals(least int) []signal {
	all := make([]signal, least+d.IntN(30))
	for i := range all {
		all[i].weight = 0.01 + 10*d.Float64()
		if i > 0 && d.IntN(3) > 0 {
			all[i].atMs = all[i-1].atMs + int64((d.Float64()-0.5)*8*d.ms())
		} else {
			all[i].atMs = 1_577_836_800_000 + d.Int64N(30*365*24*3_600_000)
		}
	}
	return all
}

func (d drawn) ms() float64 { return float64(d.halfLife.Milliseconds()) }

func (d drawn) sum(all []signal) (got float64) {
	for _, s := range all {
		got = heat.Add(got, s.weight, s.atMs, d.halfLife)
	}
	return got
}

// What two videos weigh has the same order at any time, and it is the order of their heats.
func TestOrderDoesNotChangeWithTime(t *testing.T) {
	each(t, func(t *testing.T, d drawn) {
		a, b := d.sum(d.signals(1)), d.sum(d.signals(1))
		now := int64(max(a, b) + 20*d.Float64()*d.ms())
		if x, y := heat.At(a, now, d.halfLife), heat.At(b, now, d.halfLife); a > b && x < y || a < b && x > y {
			t.Errorf("heats %g and %g, at %d they weigh %g and %g", a, b, now, x, y)
		}
	})
}

// The heat says what all signals weigh: each loses half of its weight each half-life.
func TestWeighsWhatItsSignalsWeigh(t *testing.T) {
	each(t, func(t *testing.T, d drawn) {
		all, newest, want := d.signals(1), int64(0), 0.0
		for _, s := range all {
			newest = max(newest, s.atMs)
		}
		now := newest + int64(d.ms())
		for _, s := range all {
			want += s.weight * math.Exp2(float64(s.atMs-now)/d.ms())
		}
		if got := heat.At(d.sum(all), now, d.halfLife); math.Abs(got-want) > 1e-4*want {
			t.Errorf("weighs %g, want %g", got, want)
		}
	})
}

func TestOrderOfSignalsDoesNotMatter(t *testing.T) {
	each(t, func(t *testing.T, d drawn) {
		all := d.signals(1)
		a := d.sum(all)
		d.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if b := d.sum(all); math.Abs(a-b) > 1e-5*d.ms() {
			t.Errorf("%f and %f", a, b)
		}
	})
}

// What is taken back leaves what was there before; nothing when it was all there was.
func TestRemoveRestores(t *testing.T) {
	each(t, func(t *testing.T, d drawn) {
		before, s := d.sum(d.signals(0)), d.signals(1)[0]
		one := heat.Add(heat.None, s.weight, s.atMs, d.halfLife)
		after := heat.Remove(heat.Add(before, s.weight, s.atMs, d.halfLife), s.weight, s.atMs, d.halfLife)
		switch {
		case before == heat.None:
			if after != heat.None {
				t.Errorf("%g is left of nothing", after)
			}
		case one-before > 12*d.ms(): // it was 4,000 times as much: what is left may be noise
			if after > before+d.ms() {
				t.Errorf("%f is left of %f", after, before)
			}
		case math.Abs(after-before) > 0.01*d.ms():
			t.Errorf("%f is left of %f, half-life %s", after, before, d.halfLife)
		}
	})
}

// All stays finite over decades, whatever is added and removed, and what has a signal is never None.
func TestStaysFinite(t *testing.T) {
	each(t, func(t *testing.T, d drawn) {
		got := heat.None
		for _, s := range d.signals(1) {
			if got = heat.Add(got, s.weight, s.atMs, d.halfLife); got <= heat.None || math.IsInf(got, 0) || math.IsNaN(got) {
				t.Errorf("heat is %g after a signal", got)
			}
			if d.IntN(2) == 0 {
				got = heat.Remove(got, s.weight, s.atMs, d.halfLife)
				if got < heat.None || math.IsInf(got, 0) || math.IsNaN(got) {
					t.Errorf("heat is %g", got)
				}
			}
		}
	})
}

// Removing what was never added, or more than there is, leaves nothing, not a heat below it.
func TestRemoveOfWhatIsNotThere(t *testing.T) {
	const now = 1_800_000_000_000
	h := 24 * time.Hour
	if got := heat.Remove(heat.None, 1, now, h); got != heat.None {
		t.Errorf("%g", got)
	}
	if got := heat.Remove(heat.Add(heat.None, 1, now, h), 3, now, h); got != heat.None {
		t.Errorf("%g", got)
	}
	if got := heat.At(heat.None, now, h); got != 0 {
		t.Errorf("nothing weighs %g", got)
	}
}
