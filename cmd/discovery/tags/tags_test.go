package tags_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tiktok/cmd/discovery/tags"
)

func TestOf(t *testing.T) {
	long := strings.Repeat("a", tags.MaxLength)
	for title, want := range map[string][]string{
		"":                    nil,
		"no tag":              nil,
		"#cat":                {"cat"},
		"a #Cat and a #DOG":   {"cat", "dog"},
		"#cat #Cat #ＣＡＴ #cat": {"cat"},
		"看#标签 和＃另一个。":         {"标签", "另一个"},
		"#标签，#標籤！":            {"标签", "標籤"},
		"#ひらがな #カタカナ #ｶﾀｶﾅ #ﾊﾟﾝ":            {"ひらがな", "カタカナ", "パン"},
		"#スーパー #人々":                         {"スーパー", "人々"},
		"#한국어 #\u1112\u1161\u11ab국어":        {"한국어"},
		"#a#b#a":                            {"a", "b"},
		"##a ### #":                         {"a"},
		"#a##b":                             {"a", "b"},
		"#１２３ #123 #1a #2026年":              {"1a", "2026年"},
		"#1#a":                              {"a"},
		"#_ #_a #a_b #1_2":                  {"_a", "a_b"},
		"#cat, #dog. #fox! (#owl) #a-b":     {"cat", "dog", "fox", "owl", "a"},
		"#cat😀 😀#dog #😀 #❤️fox":             {"cat", "dog"},
		"#️⃣ #1️⃣ 1️⃣#a":                    {"a"},
		"#e\u0301te\u0301 #été":             {"été"},
		"#\u0301a":                          nil,
		"#straße #STRASSE #ΟΔΟΣ #οδος":      {"strasse", "οδοσ"},
		"#İstanbul":                         {"i̇stanbul"},
		"#ﬁre #fire":                        {"fire"},
		"#می\u200cخواهم":                    {"میخواهم"},
		"#\u200da":                          nil,
		"#a\ufe0fb":                         {"ab"},
		"#हिन्दी #ภาษาไทย":                  {"हिन्दी", "ภาษาไทย"},
		"C# f#m x#tag":                      nil,
		"ç#tag ไทย#tag":                     {"tag"},
		"https://a.example/#top ?#q":        nil,
		"it&#x27;s":                         nil,
		"#" + long:                          {long},
		"#" + long + "b #ok":                {"ok"},
		"#" + strings.Repeat("标", 51):       nil,
		"#" + strings.Repeat("ﬃ", 17):       nil, // 51 in the form of Key
		"#" + strings.Repeat("ﬃ", 16):       {strings.Repeat("ffi", 16)},
		"#a" + strings.Repeat("\u0301", 60): nil,
		"#\xff #a\xffb":                     {"a"},
		"#a\x00b":                           {"a"},
		"#ﷺ #\u3164 #a\u3164b":              {"ab"}, // words with spaces in them, letters that nobody sees
		"#a #b #c #d #e #f #g #h #i #j #k":  {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"},
	} {
		if diff := cmp.Diff(want, tags.Of(title)); diff != "" {
			t.Errorf("%q: %s", title, diff)
		}
	}
}

func TestKey(t *testing.T) {
	for s, want := range map[string]string{
		"cat": "cat", "CAT": "cat", "ｃａｔ": "cat", "标签": "标签", "e\u0301": "é", "": "", "#cat": "", "a b": "", "123": "", "_": "", "😀": "",
		"\u0301": "", "\u200d": "", strings.Repeat("a", 51): "", strings.Repeat("a", 1<<20): "",
	} {
		if got, ok := tags.Key(s); got != want || ok != (want != "") {
			t.Errorf("%.60q: %q, %v", s, got, ok)
		}
	}
}

// Whatever a title is: few and short tags, which are keys themselves, and fit into a row (500 characters) when the title does (100).
func FuzzOf(f *testing.F) {
	for _, s := range []string{"#a#b ##", "看#标签", "＃ＡＢＣ #1️⃣", "#e\u0301 #ﬃ #İ #ῌͅ", "#\xff", "#\u1e9e\u0345", "#\u3164\u0345"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, title string) {
		if runes := []rune(title); len(runes) > 100 {
			title = string(runes[:100])
		}
		all := tags.Of(title)
		if len(all) > tags.Max || utf8.RuneCountInString(strings.Join(all, " ")) > 500 {
			t.Errorf("%q has %d tags: %q", title, len(all), all)
		}
		for i, tag := range all {
			if key, ok := tags.Key(tag); !ok || key != tag || utf8.RuneCountInString(tag) > tags.MaxLength || slices.Contains(all[:i], tag) {
				t.Errorf("%q of %q becomes %q, %v", tag, title, key, ok)
			}
			if again := tags.Of("#" + tag); len(again) != 1 || again[0] != tag {
				t.Errorf("#%s has the tags %q", tag, again)
			}
		}
	})
}
