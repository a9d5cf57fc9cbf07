// Package tags finds the tags of a title: words after a #, in any script. Two that differ in case, in width or in how their accents are
// written are one tag, whose form is that of Key.
package tags

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	// Max is how many tags of a title count; those after them are plain text.
	Max = 10
	// MaxLength is how long a tag may be, in characters (code points). A longer one is none.
	MaxLength = 50
	// maxBytes bounds what Key looks at. No text of so many bytes folds into MaxLength characters, but for those that are made to.
	maxBytes = 1024
)

// Of returns the tags of a title as Key writes them, each once, at most Max, in the order of the title. A tag begins after # or the full
// width ＃ and ends where a word does: at a space, at punctuation, at a symbol, or at the next #. The # within a word (C#, a link, an HTML
// entity) begins none, unless that word is a tag itself: "#a#b" has two.
func Of(title string) (all []string) {
	before, tagged := ' ', false
	for rest := title; rest != "" && len(all) < Max; {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		if !hash(r) || joins(before) && !tagged {
			before, tagged = r, false
			continue
		}
		word := rest[:wordLength(rest)]
		if before, tagged = r, word != ""; !tagged {
			continue
		}
		before, _ = utf8.DecodeLastRuneInString(word)
		rest = rest[len(word):]
		if key, ok := Key(word); ok && !slices.Contains(all, key) {
			all = append(all, key)
		}
	}
	return all
}

// Key returns the form of a tag, given without #: compatible characters are one (full width and half width, ligatures), upper and lower
// case are one, accents are composed, and what is not seen is left out. It reports false for what is no tag: a text that has anything but
// letters, digits, accents and underscores, begins with an accent, has no letter, or is longer than MaxLength in this form.
func Key(s string) (string, bool) {
	if len(s) > maxBytes || wordLength(s) != len(s) {
		return "", false
	}
	key := fold(s)
	if key == "" || wordLength(key) != len(key) || !strings.ContainsFunc(key, unicode.IsLetter) || utf8.RuneCountInString(key) > MaxLength {
		return "", false
	}
	return key, true
}

// fold is the NFKC_Casefold of the Unicode Standard (D146).
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(cases.Fold().String(s))))
}

func hash(r rune) bool { return r == '#' || r == '＃' }

// wordLength is how many bytes of a text, from its beginning, may be a tag.
func wordLength(s string) int {
	for i, r := range s {
		if !inWord(r) || i == 0 && (unicode.IsMark(r) || unseen(r)) {
			return i
		}
	}
	return len(s)
}

// inWord reports whether a character may be in a tag. Marks that enclose others make symbols of them, such as the keycap of 1️⃣.
func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.In(r, unicode.Nd, unicode.Nl, unicode.Mn, unicode.Mc) || unseen(r)
}

// unseen reports characters that only say how others are drawn: joiners, which Persian and Indic words have, and variation selectors.
func unseen(r rune) bool {
	return r == '\u200c' || r == '\u200d' || unicode.Is(unicode.Variation_Selector, r) ||
		unicode.IsLetter(r) && unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// joins reports whether a # after that character is within a word. Scripts that are written without spaces have none.
func joins(before rune) bool {
	if before < utf8.RuneSelf {
		return before == '/' || before == '&' || before == '=' || before == '?' || inWord(before)
	}
	return inWord(before) && !unicode.In(before,
		unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Hangul,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan)
}
