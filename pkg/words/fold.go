package words

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold normalises a text for comparison: NFKC, lower case, no invisible characters, runs of white space as one space. origin
// maps each byte of folded to the index of its character in text.
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

// appendFolded appends the NFKC form of r, e.g. of a full-width letter, in lower case.
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

// invisible reports zero-width characters: joiners, directional marks, variation selectors and combining accents.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) || '\u0300' <= r && r <= '\u036f'
}
