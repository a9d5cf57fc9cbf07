package index_test

import (
	"strings"
	"testing"

	"tiktok/cmd/discovery/index"
)

func TestWords(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"Hello, World":             "hello world",
		"我家的小猫咪":                   "我家的小猫咪",
		"cat 猫cat":                 "cat 猫 cat",
		"ＡＢＣ １２":                   "abc 12",
		"ｶﾞｰﾃﾞﾝ":                   "ガーデン",
		"Café Ångström cafe\u0301": "cafe angstrom cafe",
		"한국어 bts":                  "한국어 bts",
		"#tag_one":                 "tag one",
		"🐱️ 1️⃣":                   "1",
		"a\x00b\xffc":              "a b c",
		"हिन्दी":                   "हिन्दी",
		"ﬁn":                       "fin",
		strings.Repeat("x", 999):   strings.Repeat("x", 64),
	} {
		var got []string
		for _, w := range index.Words(in) {
			got = append(got, w.Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	if got := index.Fold("  Ｔom É\xff "); got != "tom e" {
		t.Errorf("%q", got)
	}
}

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		query    string
		complete bool
		of, want string
	}{
		{"小猫", false, "我家的小猫咪", "我家的[小猫]咪"},
		{"猫", false, "猫和猫", "[猫]和[猫]"},
		{"猫狗", false, "猫和狗", "[猫]和[狗]"},
		{"小猫跳舞", false, "小猫在跳舞", "[小猫]在[跳舞]"},
		{"cat", false, "🐱 Cat, cats", "🐱 [Cat], cats"},
		{"cats cast", false, "cats", "[cats]"},
		{"holiday", false, "My holidya!", "My [holidya]!"},
		{"ca", true, "Cat", "[Ca]t"},
		{"ca", false, "Cat", "Cat"},
		{"cafe", false, "cafe\u0301 x", "[cafe\u0301] x"},
		{"ガ", false, "ｶﾞｰﾃﾞﾝ", "[ｶﾞ]ｰﾃﾞﾝ"},
		{"abc", false, "ＡＢＣ", "[ＡＢＣ]"},
		{"🐱", false, "🐱", "🐱"},
	} {
		got, runes, at := "", []rune(c.of), 0
		for _, s := range index.Spans(c.query, c.complete, c.of) {
			got += string(runes[at:s.Start]) + "[" + string(runes[s.Start:s.Start+s.Length]) + "]"
			at = s.Start + s.Length
		}
		if got += string(runes[at:]); got != c.want {
			t.Errorf("%q in %q: %q, want %q", c.query, c.of, got, c.want)
		}
	}
}

func TestOneEdit(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"abcd", "abcd"}: true, {"abcd", "abxd"}: true, {"abcd", "abd"}: true, {"abcd", "abcde"}: true, {"abcd", "xabcd"}: true,
		{"abcd", "acbd"}: true, {"abcd", "abdc"}: true, {"abcd", "bacd"}: true,
		{"abcd", "badc"}: false, {"abcd", "axxd"}: false, {"abcd", "ab"}: false, {"abcd", "abdxc"}: false, {"abcd", "cbad"}: false,
	} {
		if got := index.OneEdit([]rune(pair[0]), []rune(pair[1])); got != want {
			t.Errorf("%v: %v", pair, got)
		}
	}
}

// FuzzSpans: whatever the text is, its words and spans are within it, in order and apart.
func FuzzSpans(f *testing.F) {
	f.Add("猫 cat", "ｶﾞcafe\u0301\xff猫猫", true)
	f.Fuzz(func(t *testing.T, query, of string, complete bool) {
		n, end := len([]rune(of)), -1
		for _, s := range index.Spans(query, complete, of) {
			if s.Start <= end || s.Length < 1 || s.Start+s.Length > n {
				t.Fatalf("%+v of %d characters after %d", s, n, end)
			}
			end = s.Start + s.Length
		}
		for _, w := range index.Words(of) {
			if w.Start+w.Length > n || w.Text == "" {
				t.Fatalf("%+v of %d characters", w, n)
			}
		}
	})
}
