package words

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold returns the text in the form that is compared, and for each byte of it the number of the character of the text
// that it came from. One character may become none or several.
func fold(text string) (folded []byte, origin []int) {
	folded = make([]byte, 0, len(text))
	origin = make([]int, 0, len(text))
	number := -1
	for _, r := range text {
		number++
		switch {
		case r < utf8.RuneSelf && r > ' ':
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			folded = append(folded, byte(r))
		case unicode.IsSpace(r):
			if n := len(folded); n > 0 && folded[n-1] == ' ' {
				continue
			}
			folded = append(folded, ' ')
		case invisible(r):
			continue
		default:
			folded = appendFolded(folded, r)
		}
		for len(origin) < len(folded) {
			origin = append(origin, number)
		}
	}
	return folded, origin
}

// appendFolded replaces compatibility forms, such as full-width letters, by the plain ones, in lower case.
func appendFolded(dst []byte, r rune) []byte {
	var buf [utf8.UTFMax]byte
	n := utf8.EncodeRune(buf[:], r)
	plain := buf[:n]
	if !norm.NFKC.IsNormal(plain) {
		plain = norm.NFKC.Bytes(plain)
	}
	for len(plain) > 0 {
		p, size := utf8.DecodeRune(plain)
		plain = plain[size:]
		dst = utf8.AppendRune(dst, unicode.ToLower(p))
	}
	return dst
}

// invisible reports whether a character has no width of its own: joiners, marks of direction, variation selectors, and the
// accents that are put over other letters.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) || '\u0300' <= r && r <= '\u036f'
}
