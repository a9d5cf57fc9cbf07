package names

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

//go:embed confusables.txt
var confusables string

// skeletons maps a confusable character to its prototype.
type skeletons map[rune]string

// parse reads Unicode's format: "0430 ;	0061 ;	MA".
func parse(table string) (skeletons, error) {
	s := make(skeletons, strings.Count(table, "\n"))
	for line := range strings.Lines(strings.TrimPrefix(table, "\ufeff")) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		fields := strings.Split(line, ";")
		if len(fields) < 2 {
			return nil, fmt.Errorf("names: confusables: %q", line)
		}
		from, err := codePoints(fields[0])
		if err != nil {
			return nil, err
		}
		to, err := codePoints(fields[1])
		if err != nil || len(from) != 1 {
			return nil, fmt.Errorf("names: confusables: %q", line)
		}
		s[from[0]] = string(to)
	}
	return s, nil
}

func codePoints(hex string) ([]rune, error) {
	var out []rune
	for _, f := range strings.Fields(hex) {
		n, err := strconv.ParseUint(f, 16, 21)
		if err != nil {
			return nil, fmt.Errorf("names: confusables: %w", err)
		}
		out = append(out, rune(n))
	}
	return out, nil
}

// of returns the skeleton of UTS #39: names with the same one are confusable. It starts from NFKD instead of NFD, so that
// ｂｏｂ and 𝐛𝐨𝐛 are bob as well.
func (s skeletons) of(name string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(name) {
		if ignorable(r) {
			continue
		}
		if to, ok := s[r]; ok {
			b.WriteString(to)
		} else {
			b.WriteRune(r)
		}
	}
	return norm.NFKD.String(b.String())
}

// ignorable reports characters that are not displayed: variation selectors, joiners, fillers.
func ignorable(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// Key is a hash, 32 bytes, of the skeleton of a name: confusable names, such as "ace" and Cyrillic "асе", have the same one. It
// is case-sensitive: "Bob" and "bob" have different ones.
func (p *Policy) Key(name string) []byte {
	sum := sha256.Sum256([]byte(p.look.of(name)))
	return sum[:]
}
