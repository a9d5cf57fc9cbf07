// Package names validates usernames: none may be confusable with another one, or with a name reserved for the product. It
// follows Unicode's security mechanisms, UTS #39. Rules are for new names only.
package names

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tiktok/pkg/errno"
)

// maxMarks is how many marks (accents and the like) may stand on one character. Languages need up to three.
const maxMarks = 4

// Config lists the reserved names.
type Config struct {
	// Reserved are names that cannot be registered; case, look-alike characters, accents and punctuation make no
	// difference. A word between stars is forbidden anywhere in a name: "*官方*".
	Reserved []string `mapstructure:"reserved"`
}

// DefaultReserved are the names of those who speak for the product.
func DefaultReserved() []string {
	return []string{
		"admin", "administrator", "root", "system", "official", "support", "helpdesk", "staff", "moderator", "security", "webmaster",
		"postmaster", "deleted user", "tiktok", "tiktok official", "official tiktok", "tiktok support", "tiktok team", "douyin",
		"*官方*", "*客服*", "*管理员*", "*管理員*", "系统", "系統", "系统消息", "系统通知", "系統消息", "系統通知", "抖音", "抖音小助手",
	}
}

// Check validates the reserved words.
func (c Config) Check() error {
	for _, word := range c.Reserved {
		bare := strings.TrimSuffix(strings.TrimPrefix(word, "*"), "*")
		switch {
		case !utf8.ValidString(word) || bones(bare) == "":
			return fmt.Errorf("%q is no word", word)
		case strings.HasPrefix(word, "*") != strings.HasSuffix(word, "*") || strings.Contains(bare, "*"):
			return fmt.Errorf("%q: a star has to stand at both ends, or nowhere", word)
		}
	}
	return nil
}

// Policy checks names. It is immutable and safe for concurrent use.
type Policy struct {
	look   skeletons
	equal  map[string]bool
	within []string
}

// New parses Unicode's table of confusable characters, which takes some milliseconds, and the reserved words.
func New(c Config) (*Policy, error) {
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("names: reserved: %w", err)
	}
	look, err := parse(confusables)
	if err != nil {
		return nil, err
	}
	p := &Policy{look: look, equal: map[string]bool{}}
	for _, word := range c.Reserved {
		bare := strings.Trim(word, "*")
		for _, form := range []string{p.bare(strings.ToLower(bare)), p.bare(strings.ToUpper(bare))} {
			if bare != word {
				p.within = append(p.within, form)
			} else {
				p.equal[form] = true
			}
		}
	}
	return p, nil
}

// Check validates a name for registration. It returns errno.InvalidArgument with the reason for: private-use characters; more
// than four combining marks on one character; mixed scripts, such as Latin and Cyrillic (UTS #39, "highly restrictive": Latin
// goes with Chinese, Japanese or Korean); a name confusable with a reserved one. It does not check invisible characters,
// length and white space.
func (p *Policy) Check(name string) error {
	switch {
	case strings.ContainsFunc(name, private):
		return errno.InvalidArgument.With("username holds a character that is not for text")
	case stacked(name):
		return errno.InvalidArgument.With("username holds too many accents on one character")
	case mixed(name):
		return errno.InvalidArgument.With("username mixes letters of different scripts")
	case p.reserved(name):
		return errno.InvalidArgument.With("username is reserved")
	}
	return nil
}

// CheckDisplay is Check for a name that is shown beside the one that was registered: it need not be unique, and may mix
// scripts. What looks like a reserved word is refused with errno.ProfileRefused, the rest with errno.InvalidArgument.
func (p *Policy) CheckDisplay(name string) error {
	switch {
	case strings.ContainsFunc(name, private):
		return errno.InvalidArgument.With("the display name holds a character that is not for text")
	case stacked(name):
		return errno.InvalidArgument.With("the display name holds too many accents on one character")
	case p.reserved(name):
		return errno.ProfileRefused.With("this display name is reserved")
	}
	return nil
}

// private reports private-use characters, surrogates and noncharacters.
func private(r rune) bool {
	return unicode.In(r, unicode.Co, unicode.Cs, unicode.Noncharacter_Code_Point)
}

func stacked(name string) bool {
	marks := 0
	for _, r := range norm.NFD.String(name) {
		if !unicode.In(r, unicode.Mn, unicode.Me) || unicode.Is(unicode.Variation_Selector, r) {
			marks = 0
			continue
		}
		if marks++; marks > maxMarks {
			return true
		}
	}
	return false
}

// together are the sets of scripts that one language is written with.
func together() [][]string {
	return [][]string{{"Latin", "Han", "Hiragana", "Katakana"}, {"Latin", "Han", "Bopomofo"}, {"Latin", "Han", "Hangul"}}
}

// mixed reports letters of scripts that are in no common set. Digits, punctuation, emoji and marks belong to all.
func mixed(name string) bool {
	var scripts []string
	for _, r := range norm.NFKC.String(name) {
		if s := script(r); s != "" && !slices.Contains(scripts, s) {
			scripts = append(scripts, s)
		}
	}
	if len(scripts) <= 1 {
		return false
	}
	return !slices.ContainsFunc(together(), func(set []string) bool {
		return !slices.ContainsFunc(scripts, func(s string) bool { return !slices.Contains(set, s) })
	})
}

// script returns the script of a letter, "" for characters that belong to several.
func script(r rune) string {
	for name, table := range unicode.Scripts {
		if unicode.Is(table, r) {
			if name == "Common" || name == "Inherited" {
				return ""
			}
			return name
		}
	}
	return ""
}

func (p *Policy) reserved(name string) bool {
	for _, form := range []string{p.bare(name), p.bare(strings.ToLower(name)), p.bare(strings.ToUpper(name))} {
		if p.equal[form] || slices.ContainsFunc(p.within, func(w string) bool { return strings.Contains(form, w) }) {
			return true
		}
	}
	return false
}

// bare is the skeleton of the letters and digits of a name, so that "a_d.m i n" is "admin".
func (p *Policy) bare(name string) string { return bones(p.look.of(bones(name))) }

func bones(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return r
		}
		return -1
	}, norm.NFKD.String(name))
}
