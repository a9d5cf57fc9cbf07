// Package mention finds the users whom a text mentions as @name. Names are those that accounts may have, in any script and with spaces in
// them, so where one ends is known only when it is looked up: a Text has the names that each mention may be.
package mention

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tiktok/kitex_gen/interaction"
	"tiktok/pkg/coalesce"
)

const (
	// Max is how many mentions of a text count; those after them are plain text.
	Max = interaction.MAX_MENTIONS
	// maxName is how long a name may be, in characters.
	maxName = 32
)

// Text is the mentions in a text: of each, the names that it may be, the longest first.
type Text [][]string

// Parse finds the mentions in a text. What follows @ is a mention; a name may end wherever a word does, so that "@bob's" and "@bob, hi"
// mention bob and "@bobby" does not, and after any character of a script that is written without spaces. The @ of an e-mail address or of a
// link is none.
func Parse(text string) (t Text) {
	for at := strings.IndexByte(text, '@'); at >= 0 && len(t) < Max; {
		rest := text[at+1:]
		if before, _ := utf8.DecodeLastRuneInString(text[:at]); !joins(before) {
			if c := candidates(rest); len(c) > 0 && !slices.ContainsFunc(t, func(o []string) bool { return slices.Equal(o, c) }) {
				t = append(t, c)
			}
		}
		next := strings.IndexByte(rest, '@')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return t
}

// Names are all names to look up, each once.
func (t Text) Names() []string { return coalesce.Distinct(slices.Concat(t...)) }

// Users are the users who are mentioned, in the order of the text, each once: of each mention the longest name that somebody has. ids are
// the users by name, author is left out.
func (t Text) Users(ids map[string]int64, author int64) (users []int64) {
	for _, names := range t {
		for _, name := range names {
			id, ok := ids[name]
			if !ok {
				continue
			}
			if id != author && !slices.Contains(users, id) {
				users = append(users, id)
			}
			break
		}
	}
	return users
}

// candidates are the names that a text may begin with, the longest first.
func candidates(text string) (names []string) {
	length, last := 0, ' '
	for i, r := range text {
		if i > 0 && ends(last, r) {
			names = append(names, text[:i])
		}
		if length++; length > maxName || !inName(r) || r == ' ' && last == ' ' {
			slices.Reverse(names)
			return names
		}
		last = r
	}
	if text != "" && last != ' ' {
		names = append(names, text)
	}
	slices.Reverse(names)
	return names
}

// inName reports whether a character may stand in a name after @. Accounts may have @ in their names, too; those cannot be mentioned.
func inName(r rune) bool {
	return r == ' ' || r != '@' && r != utf8.RuneError && !unicode.IsSpace(r) && !unicode.IsControl(r)
}

// ends reports whether a name may end between two characters: not within a word, before an accent, or after a space.
func ends(last, next rune) bool {
	return last != ' ' && !unicode.IsMark(next) && (!inWord(last) || !inWord(next))
}

// inWord reports whether a character is of a word, in a script whose words end at a space or at punctuation. In Korean particles follow a
// name without a space.
func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)) && !unicode.In(r,
		unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Hangul,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan)
}

// joins reports whether an @ after that character is no mention: it is in an e-mail address, or in the path of a link.
func joins(before rune) bool {
	return inWord(before) || before == '+' || before == '-' || before == '/'
}
