package index

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	// FuzzyLetters is how many letters a word needs to be found with one edit.
	FuzzyLetters = 4
	// maxWord cuts words, in characters: what is longer is found by its beginning, here and in a query alike.
	maxWord = 64
)

// Word is a piece of a text that is found: a word of a script that writes spaces, or all the characters of CJK that follow each other.
type Word struct {
	// Text is folded in width, case and accents.
	Text string
	// CJK says that it is Han, kana, bopomofo or Hangul, which are found by any part.
	CJK bool
	// Start and Length are where it is in the text, in code points.
	Span
	// runes has the folded characters, at which code point of the text each of them is.
	runes []rune
	at    []int
}

// Fuzzy says whether the word, in a query, also stands for those with one edit: it has only letters, and enough of them.
func (w *Word) Fuzzy() bool {
	if w.CJK || len(w.runes) < FuzzyLetters {
		return false
	}
	for _, r := range w.runes {
		if !unicode.IsLetter(r) {
			return false
		}
	}
	return true
}

// Grams are what a word of CJK is found by: its single characters, and each two that follow each other.
func (w *Word) Grams() (single, pairs []string) {
	for i := range w.runes {
		single = append(single, string(w.runes[i]))
		if i > 0 {
			pairs = append(pairs, string(w.runes[i-1:i+1]))
		}
	}
	return single, pairs
}

// Words are the words of any text, in order. What is neither letter nor number divides them, as do invalid bytes.
func Words(s string) []Word {
	var out []Word
	var w Word
	end := 0
	flush := func() {
		if len(w.runes) > 0 {
			w.Text = string(w.runes)
			w.Length = end - w.Start
			out = append(out, w)
		}
		w = Word{}
	}
	at := -1
	for i, c := range s {
		at++
		if c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			flush()
			continue
		}
		if accent(c) { // goes with its letter
			if len(w.runes) > 0 {
				end = at + 1
			}
			continue
		}
		for _, r := range fold(c) {
			if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) {
				flush()
				continue
			}
			if n := len(w.runes); voiced(r) && n > 0 { // half-width kana have their marks beside them
				if joined := []rune(norm.NFC.String(string(w.runes[n-1]) + string(r))); len(joined) == 1 {
					w.runes[n-1], end = joined[0], at+1
					continue
				}
			}
			if unicode.IsMark(r) && len(w.runes) == 0 {
				continue
			}
			if is := cjk(r); len(w.runes) > 0 && is != w.CJK && !unicode.IsMark(r) {
				flush()
			}
			if len(w.runes) == 0 {
				w.CJK, w.Start = cjk(r), at
			}
			end = at + 1
			if w.CJK || len(w.runes) < maxWord {
				w.runes, w.at = append(w.runes, r), append(w.at, at)
			}
		}
	}
	flush()
	return out
}

// Fold is a text as names and tags are compared: folded like words, and without what is around it.
func Fold(s string) string {
	var b strings.Builder
	for _, c := range strings.ToValidUTF8(s, " ") {
		if !accent(c) {
			b.WriteString(string(fold(c)))
		}
	}
	return strings.TrimSpace(b.String())
}

// fold is a character without width, case and accent. Most are one afterwards, ligatures are more.
func fold(c rune) []rune {
	if c < utf8.RuneSelf {
		return []rune{unicode.ToLower(c)}
	}
	form := norm.NFKC
	if !cjk(c) && unicode.In(c, unicode.Latin, unicode.Greek, unicode.Cyrillic) {
		form = norm.NFKD
	}
	var out []rune
	for _, r := range form.String(string(c)) {
		if !accent(r) {
			out = append(out, unicode.ToLower(r))
		}
	}
	return out
}

// accent says whether a character only changes how the one before it looks.
func accent(r rune) bool {
	return r >= 0x300 && r <= 0x36F || r >= 0x20D0 && r <= 0x20F0 || r >= 0xFE00 && r <= 0xFE0F
}

func voiced(r rune) bool { return r == 0x3099 || r == 0x309A }

// cjk says whether a character, folded or not, is found by itself. The mark of a long vowel belongs to kana.
func cjk(r rune) bool {
	return r == 'ー' || r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo)
}
