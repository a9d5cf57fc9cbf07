package harness

import (
	"slices"
	"time"
)

// grace is how long an operation that failed may still happen: a request whose client gave up is finished or abandoned by then. An
// acknowledged one that began later has the last word.
const grace = 15 * time.Second

// Outcome is what a client knows about an operation of its own.
type Outcome int

// Outcomes of an operation. Unknown: it may have happened, or may still happen.
const (
	Unknown Outcome = iota
	Done
	Refused // certainly not done
)

// Span is when an operation was under way.
type Span struct{ From, To time.Time }

// Fate is what a client knows about one thing that is on or off: a like, a follow. Its operations are one after the other. The zero
// value is off.
type Fate struct {
	// On is the last acknowledged word.
	On bool
	// Acked is how many operations were acknowledged.
	Acked int
	// Open are failed operations that may have happened or may still happen after the last acknowledged one.
	Open []Doubt
	// Denied are operations after the last acknowledged one of which the answer said that they are certainly not done.
	Denied []bool
}

// Doubt is an operation whose outcome is not known, and when its client gave up.
type Doubt struct {
	On bool
	To time.Time
}

// Add takes down an operation.
func (f *Fate) Add(on bool, o Outcome, when Span) {
	switch o {
	case Unknown:
		f.Open = append(f.Open, Doubt{on, when.To})
	case Done:
		f.On = on
		f.Acked++
		f.Denied = nil
		f.Open = slices.DeleteFunc(f.Open, func(u Doubt) bool { return u.To.Add(grace).Before(when.From) })
	case Refused:
		f.Denied = append(f.Denied, on)
	}
}

// Allows reports whether what is seen agrees with what was answered.
func (f *Fate) Allows(on bool) bool {
	return on == f.On || slices.ContainsFunc(f.Open, func(u Doubt) bool { return u.On == on })
}
