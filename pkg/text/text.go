// Package text checks what people type before it is stored.
package text

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tiktok/pkg/errno"
)

// Rule is what a kind of text must be like. Characters are Unicode code points, not bytes.
type Rule struct {
	// What names the text in errors: "comment".
	What string
	// Max is the most characters.
	Max int
	// Lines allows line breaks and tabs.
	Lines bool
}

// Clean returns s as it is to be stored, with one kind of line break. Text that is not UTF-8, too long, blank or with
// control characters is refused with errno.InvalidArgument, which says why.
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
		// IsGraphic leaves out what shows nothing, such as a zero-width space.
		blank = blank && (unicode.IsSpace(c) || !unicode.IsGraphic(c))
	}
	if blank {
		return "", errno.InvalidArgument.With(fmt.Sprintf("the %s is empty", r.What))
	}
	return s, nil
}
