// Package words is a word filter for user-generated text.
package words

import (
	"bytes"
	_ "embed" // the default list
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	ahocorasick "github.com/BobuSumisu/aho-corasick"
)

const (
	// MaxWord is the maximum length of a word, in characters.
	MaxWord = 64
	// MaxList is the maximum total size of a list, in bytes. The matcher needs 2 KiB of memory for each.
	MaxList = 64 << 10

	maxFile = 1 << 20 // bytes, comments included
)

// Modes of Config.Mode.
const (
	// Mask replaces each character of a word by an asterisk. It is the default.
	Mask = "mask"
	// Refuse rejects a text that has a word.
	Refuse = "refuse"
	// Off disables the filter.
	Off = "off"
)

// Config sets up a Filter.
type Config struct {
	// File is a list in UTF-8 with one word per line; what begins with # is a comment. "" is the list that comes with the
	// program, a short one of advertising in English and Chinese.
	File string `mapstructure:"file"`
	// Mode is "mask", "refuse" or "off".
	Mode string `mapstructure:"mode"`
}

//go:embed default.txt
var defaultList string

// Filter matches all words of a list at once (Aho-Corasick), in time linear in the length of the text. It is immutable and
// safe for concurrent use.
//
// Matching ignores case, width and style of letters (ＣＡＳＩＮＯ, 𝐜𝐚𝐬𝐢𝐧𝐨), invisible characters, and the amount of white
// space. In scripts that put spaces between words, only whole words match: "ass" does not match "class". In others, such as
// Chinese, an entry matches anywhere.
type Filter struct {
	mode string
	trie *ahocorasick.Trie // nil when there are no words
}

// Open reads the list and builds the filter. With the mode "off" it reads nothing.
func Open(cfg Config) (*Filter, error) {
	mode := cfg.Mode
	switch mode {
	case "":
		mode = Mask
	case Mask, Refuse:
	case Off:
		return &Filter{mode: Off}, nil
	default:
		return nil, fmt.Errorf("words: mode %q is not known, use mask, refuse or off", mode)
	}
	list := defaultList
	if cfg.File != "" {
		var err error
		if list, err = readFile(cfg.File); err != nil {
			return nil, fmt.Errorf("words: %w", err)
		}
	}
	words, err := parse(list)
	if err != nil {
		return nil, fmt.Errorf("words: %w", err)
	}
	f := &Filter{mode: mode}
	if len(words) > 0 {
		f.trie = ahocorasick.NewTrieBuilder().AddPatterns(words).Build()
	}
	return f, nil
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	if len(data) > maxFile {
		return "", fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return string(data), nil
}

// parse returns the folded words of a list.
func parse(list string) ([][]byte, error) {
	if !utf8.ValidString(list) {
		return nil, errors.New("the list is not in UTF-8")
	}
	var words [][]byte
	total, number := 0, 0
	for line := range strings.Lines(strings.TrimPrefix(list, "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if n := utf8.RuneCountInString(line); n > MaxWord {
			return nil, fmt.Errorf("line %d has %d characters, at most %d are possible", number, n, MaxWord)
		}
		word, _ := fold(line)
		word = bytes.TrimSpace(word)
		if len(word) == 0 {
			return nil, fmt.Errorf("line %d has invisible characters only", number)
		}
		if total += len(word); total > MaxList {
			return nil, fmt.Errorf("the words have more than %d bytes together", MaxList)
		}
		words = append(words, word)
	}
	return words, nil
}

// Apply looks for words in the text. In mode mask it returns the text with each character of each word replaced by an
// asterisk (so with as many characters as before), and true. In mode refuse it returns the text as it is, and whether
// it is free of words. In mode off it returns the text and true.
func (f *Filter) Apply(text string) (out string, ok bool) {
	if f.trie == nil {
		return text, true
	}
	folded, origin := fold(text)
	var hit []bool // by character of the text
	f.trie.Walk(folded, func(end, n, _ int64) bool {
		from, to := int(end-n+1), int(end) // bytes, both inside the word
		if !wholeWord(folded, from, to+1) {
			return true
		}
		if hit == nil {
			hit = make([]bool, utf8.RuneCountInString(text))
		}
		for i := origin[from]; i <= origin[to]; i++ {
			hit[i] = true
		}
		return f.mode != Refuse // one is enough
	})
	switch {
	case hit == nil:
		return text, true
	case f.mode == Refuse:
		return text, false
	}
	return mask(text, hit), true
}

// mask keeps the bytes of all other characters, even those that are not UTF-8.
func mask(text string, hit []bool) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, h := range hit {
		_, size := utf8.DecodeRuneInString(text)
		if h {
			b.WriteByte('*')
		} else {
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// wholeWord reports whether both ends of text[from:to] are word boundaries.
func wholeWord(text []byte, from, to int) bool {
	before, _ := utf8.DecodeLastRune(text[:from])
	first, _ := utf8.DecodeRune(text[from:])
	last, _ := utf8.DecodeLastRune(text[:to])
	after, _ := utf8.DecodeRune(text[to:])
	cutBefore := spaced(before) && spaced(first)
	cutAfter := spaced(last) && spaced(after)
	return !cutBefore && !cutAfter
}

// spaced reports a letter or digit of a script that puts spaces between words.
func spaced(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' // folded: there are no others
	}
	return (unicode.IsLetter(r) || unicode.IsDigit(r)) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
			unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
