// Package text validates and normalises user input before it is stored.
package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tiktok/pkg/errno"
)

// Rule holds the limits of one kind of text.
type Rule struct {
	// What names the text in errors, e.g. "comment".
	What string
	// Max is the maximum length in Unicode code points.
	Max int
	// Lines allows line breaks and tabs.
	Lines bool
}

// Clean returns s with line breaks normalised to \n. Invalid UTF-8, control characters, and text that is too long or blank
// are refused with errno.InvalidArgument and the reason.
func (r Rule) Clean(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", errno.InvalidArgument.With(fmt.Sprintf("the %s is not valid text", r.What))
	}
	if r.Lines {
		s = strings.ReplaceAll(s, "\r\n", "\n") // as browsers send the lines of a form
	}
	if utf8.RuneCountInString(s) > r.Max {
		return "", errno.InvalidArgument.With(fmt.Sprintf("the %s is longer than %d characters", r.What, r.Max))
	}
	blank := true
	for _, c := range s {
		if unicode.IsControl(c) && (!r.Lines || c != '\n' && c != '\t') {
			return "", errno.InvalidArgument.With(fmt.Sprintf("the %s holds a control character", r.What))
		}
		// IsGraphic excludes characters without a glyph, such as a zero-width space.
		blank = blank && (unicode.IsSpace(c) || !unicode.IsGraphic(c))
	}
	if blank {
		return "", errno.InvalidArgument.With(fmt.Sprintf("the %s is empty", r.What))
	}
	return s, nil
}

// First is the beginning of a text, of at most so many Unicode code points.
func First(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most])
	}
	return s
}
