package words

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func openList(t testing.TB, mode string, words ...string) *Filter {
	t.Helper()
	file := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(file, []byte(strings.Join(words, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(Config{File: file, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestMask(t *testing.T) {
	f := openList(t, Mask, "ass", "casino bonus", "赌博", "博彩", "代开发票", "c++", "été", "加v", "Straße", "kg", "42", "a.b")
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"nothing here", "nothing here"},
		{"ass", "***"},
		{"ASS!", "***!"},
		{"an ass, an Ass", "an ***, an ***"},
		{"class assess bass ass1 1ass", "class assess bass ass1 1ass"},
		{"äss assé éass", "äss assé éass"},
		{"pass the ass", "pass the ***"},
		{"去ass吧", "去***吧"},
		{"_ass_", "_***_"},
		{"casino bonus", "************"},
		{"Casino  \t Bonus", "***************"},
		{"casino\u3000bonus", "************"},
		{"casinobonus", "casinobonus"},
		{"casino bonuses", "casino bonuses"},
		{"来赌博吧", "来**吧"},
		{"赌博彩", "***"}, // two that overlap
		{"赌 博", "赌 博"},
		{"可以代开发票的", "可以****的"},
		{"代开发", "代开发"},
		{"ＣＡＳＩＮＯ　ＢＯＮＵＳ！", "************！"},
		{"ａＳs", "***"},
		{"𝐜𝐚𝐬𝐢𝐧𝐨 𝐛𝐨𝐧𝐮𝐬", "************"},
		{"赌\u200b博", "***"},
		{"a\u200ds\u00ads", "*****"},
		{"\u200bass\u200b", "\u200b***\u200b"},
		{"赌\ufe0f博", "***"},
		{"C++ 和c++", "*** 和***"},
		{"c+++", "***+"},
		{"ÉTÉ", "***"},
		{"étés", "étés"},
		{"加V", "**"},
		{"加Ｖ我", "**我"},
		{"加vip", "加vip"},
		{"STRASSE straße", "STRASSE ******"},
		{"5 ㎏", "5 *"}, // one character that stands for two
		{"42 142 4２", "** 142 **"},
		{"axb a.b", "axb ***"},
		{"😀ass😀", "😀***😀"},
		{"\xff赌博\xfe", "\xff**\xfe"},
		{"ass\xff", "***\xff"},
		{"\xe8\xb5赌博", "\xe8\xb5**"},
	} {
		got, ok := f.Apply(c.text)
		if !ok || got != c.want {
			t.Errorf("Apply(%q) = %q, %v; want %q", c.text, got, ok, c.want)
		}
	}
}

func TestRefuseAndOff(t *testing.T) {
	refuse := openList(t, Refuse, "赌博", "spam")
	for text, free := range map[string]bool{"": true, "hello": true, "spammer": true, "SPAM": false, "不赌博": false} {
		if got, ok := refuse.Apply(text); ok != free || got != text {
			t.Errorf("refuse: Apply(%q) = %q, %v; want ok=%v", text, got, ok, free)
		}
	}
	off, err := Open(Config{Mode: Off, File: "/does/not/exist"})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := off.Apply("赌博"); got != "赌博" || !ok {
		t.Errorf("off: %q, %v", got, ok)
	}
}

func TestDefaultList(t *testing.T) {
	f, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"Get your CASINO BONUS now": "Get your ************ now",
		"专业代开发票":                    "专业****",
		"今天天气真好，一起去公园":              "今天天气真好，一起去公园",
		"What a lovely video!":      "What a lovely video!",
	} {
		if got, ok := f.Apply(text); got != want || !ok {
			t.Errorf("Apply(%q) = %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		content string
		fine    bool
	}{
		"empty":       {"", true},
		"comments":    {"# nothing\n\n   \n#", true},
		"windows":     {"\ufeffspam\r\nham\r\n", true},
		"twice":       {"spam\nSPAM\nspam", true},
		"not UTF-8":   {"spam\n\xff\xfe", false},
		"long word":   {strings.Repeat("x", MaxWord+1), false},
		"long list":   {strings.Repeat(strings.Repeat("赌", MaxWord)+"\n", MaxList/MaxWord/3+1), false},
		"long file":   {strings.Repeat("#", maxFile+1), false},
		"invisible":   {"spam\n\u200b\u200b", false},
		"one and all": {"a\nspam\n词", true},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(Config{File: file, Mode: Refuse})
		if (err == nil) != c.fine {
			t.Errorf("%s: Open = %v", name, err)
		}
		if f != nil {
			if _, ok := f.Apply("spam ham a 词"); ok != !strings.Contains(strings.ToLower(c.content), "spam") {
				t.Errorf("%s: ok = %v", name, ok)
			}
		}
	}
	for _, cfg := range []Config{{Mode: "shout"}, {File: filepath.Join(dir, "none")}, {File: dir}} {
		if _, err := Open(cfg); err == nil {
			t.Errorf("Open(%+v) succeeded", cfg)
		}
	}
}

// slow is the same filter without a clever matcher.
func slow(words []string, text string) string {
	folded, origin := fold(text)
	hit := make([]bool, utf8.RuneCountInString(text))
	for _, word := range words {
		w, _ := fold(word)
		for i := 0; i+len(w) <= len(folded); i++ {
			if string(folded[i:i+len(w)]) == string(w) && wholeWord(folded, i, i+len(w)) {
				for c := origin[i]; c <= origin[i+len(w)-1]; c++ {
					hit[c] = true
				}
			}
		}
	}
	return mask(text, hit)
}

func FuzzApply(f *testing.F) {
	words := []string{
		"a", "ab", "bab", "b b", "赌博", "博彩", "彩", "aab", "abab", "加v", "ｆf", "kg", "é", "\u8d4c\u8d4c", "42", "été", "ßs", "i̇x",
	}
	masking, refusing := openList(f, Mask, words...), openList(f, Refuse, words...)
	for _, s := range []string{
		"", "a ab bab b  b", "赌博彩", "\xff赌\u200b博", "ＡＢ ㎏ ﬀ İX ẞS", "😀加Ｖ", "e\u0301te\u0301", "赌赌赌", "\u0000a\n b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out, ok := masking.Apply(text)
		if !ok {
			t.Errorf("mask refused %q", text)
		}
		if a, b := utf8.RuneCountInString(text), utf8.RuneCountInString(out); a != b {
			t.Errorf("%q has %d characters, %q has %d", text, a, out, b)
		}
		if want := slow(words, text); out != want {
			t.Errorf("Apply(%q) = %q, want %q", text, out, want)
		}
		if utf8.ValidString(text) && !utf8.ValidString(out) {
			t.Errorf("%q became %q, which is not UTF-8", text, out)
		}
		if same, free := refusing.Apply(text); same != text || free != (out == text) && !strings.Contains(text, "*") {
			t.Errorf("refuse: Apply(%q) = %q, %v, but masked it is %q", text, same, free, out)
		}
	})
}

func BenchmarkApply(b *testing.B) {
	f, err := Open(Config{})
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("今天天气真好, let us go out. ", 10)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		f.Apply(text)
	}
}
