package service

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tiktok/pkg/errno"
)

// maxChars bounds a username and a password, in characters.
const maxChars = 32

// checkUsername accepts 1..32 visible characters without white space around them. Characters that a reader cannot see
// are refused: two names that look the same would help nobody but an impostor.
func checkUsername(name string) error {
	switch {
	case name == "":
		return errno.InvalidArgument.With("username is empty")
	case !utf8.ValidString(name):
		return errno.InvalidArgument.With("username is not valid text")
	case utf8.RuneCountInString(name) > maxChars:
		return errno.InvalidArgument.With("username is longer than 32 characters")
	case strings.TrimSpace(name) != name:
		return errno.InvalidArgument.With("username must not begin or end with a space")
	case strings.ContainsFunc(name, hidden):
		return errno.InvalidArgument.With("username holds an invisible character")
	case !strings.ContainsFunc(name, visible):
		return errno.InvalidArgument.With("username is blank")
	}
	return nil
}

// checkPassword accepts 1..32 characters of any kind that can be typed.
func checkPassword(password string) error {
	switch {
	case password == "":
		return errno.InvalidArgument.With("password is empty")
	case !utf8.ValidString(password):
		return errno.InvalidArgument.With("password is not valid text")
	case utf8.RuneCountInString(password) > maxChars:
		return errno.InvalidArgument.With("password is longer than 32 characters")
	case strings.ContainsFunc(password, unicode.IsControl):
		return errno.InvalidArgument.With("password holds a control character")
	}
	return nil
}

// hidden tells control and format characters, line separators and fillers. Variation selectors pass: they are part of
// many emoji.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

// invisible is hidden without the joiners, which emoji and the scripts of Persia and India need.
func invisible(r rune) bool { return hidden(r) && r != '\u200c' && r != '\u200d' }

// visible tells a character that leaves a mark on its own; U+2800 is the braille pattern without dots.
func visible(r rune) bool { return !unicode.IsSpace(r) && !unicode.IsMark(r) && r != '\u2800' }
