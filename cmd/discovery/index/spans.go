package index

import (
	"slices"
	"strings"
)

// Spans are the parts of a text that fit a query, in order and apart from each other. Engines don't highlight: who shows a hit has its
// text.
func Spans(query string, complete bool, of string) []Span {
	asked := Words(query)
	if len(asked) == 0 {
		return nil
	}
	var out []Span
	for _, w := range Words(of) {
		for i := range asked {
			q := &asked[i]
			switch {
			case q.CJK != w.CJK:
			case q.CJK:
				out = append(out, w.parts(q)...)
			case q.Text == w.Text || q.Fuzzy() && OneEdit(q.runes, w.runes):
				out = append(out, w.Span)
			case complete && i == len(asked)-1 && strings.HasPrefix(w.Text, q.Text):
				out = append(out, w.part(0, len(q.runes)))
			}
		}
	}
	slices.SortFunc(out, func(a, b Span) int { return a.Start - b.Start })
	var apart []Span
	for _, s := range out {
		if n := len(apart); n > 0 && s.Start <= apart[n-1].Start+apart[n-1].Length {
			apart[n-1].Length = max(apart[n-1].Length, s.Start+s.Length-apart[n-1].Start)
			continue
		}
		apart = append(apart, s)
	}
	return apart
}

// parts are where a word of CJK has another one: as a whole, or else the pairs of it, or else its characters.
func (w *Word) parts(q *Word) []Span {
	for size := len(q.runes); size > 0; size = min(size-1, 2) {
		var out []Span
		for from := 0; from+size <= len(q.runes); from++ {
			for at := 0; at+size <= len(w.runes); at++ {
				if slices.Equal(w.runes[at:at+size], q.runes[from:from+size]) {
					out = append(out, w.part(at, size))
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// part is where n folded characters of the word are in the text.
func (w *Word) part(from, n int) Span {
	end := w.Start + w.Length
	if from+n < len(w.at) {
		end = w.at[from+n]
	}
	return Span{Start: w.at[from], Length: end - w.at[from]}
}

// OneEdit says whether one character missing, added, another one, or swapped with its neighbour makes a of b. Equal ones do not need it.
func OneEdit(a, b []rune) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return slices.Equal(a[i:], b[i+1:])
	}
	return i == len(a) || slices.Equal(a[i+1:], b[i+1:]) ||
		i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
}
