package names_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"tiktok/pkg/errno"
	"tiktok/pkg/names"
)

func policy(t testing.TB, reserved ...string) *names.Policy {
	t.Helper()
	if reserved == nil {
		reserved = names.DefaultReserved()
	}
	p, err := names.New(names.Config{Reserved: reserved})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCheck(t *testing.T) {
	p := policy(t)
	for _, name := range []string{
		"alice", "Bob", "bob", "douyinTestUserA", "douyin1", "zhanglei", "张三", "张三 🎬", "user_01", "José", "Zoë", "Nguyễn Văn Ắ", "алиса",
		"Ольга 2",
		"さくら", "サクラ", "桜さくらサクラ", "桜 Sakura", "민수", "민수 Kim", "ㄅㄆㄇ 王", "สมชาย", "محمد", "दीपक", "ace", "асе", "❤️", "👍🏽", "système", "modern",
		"unofficial fan", "adminton", "Rooted", "服务员小王", "操作系统", "ラーメン", "teammate", "o'brien", "naïve", "12345", "①②", "straße", "ℕumbers",
	} {
		if err := p.Check(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, why := range map[string]string{
		"аlice":                                 "mixes", // Cyrillic а
		"Αlice":                                 "mixes", // Greek Α
		"Ꭺlice":                                 "mixes", // Cherokee Ꭺ
		"pаypal 张":                              "mixes",
		"さくら민수":                                 "mixes",
		"王мин":                                  "mixes",
		"bo\ue000b":                             "not for text",
		"bo\ufffeb":                             "not for text",
		"b" + strings.Repeat("\u0301", 5) + "b": "accents",
		"e\u0301\u0302\u0303\u0304\u0305":       "accents",
		"admin":                                 "reserved",
		"Admin":                                 "reserved",
		"ADMIN":                                 "reserved",
		"ADMlN":                                 "reserved",
		"ádmïn":                                 "reserved",
		"a_d.m-i n":                             "reserved",
		"ａｄｍｉｎ":                                 "reserved",
		"𝐚𝐝𝐦𝐢𝐧":                                 "reserved",
		"ⓐⓓⓜⓘⓝ":                                 "reserved",
		"admin\ufe0f":                           "reserved",
		"_root_":                                "reserved",
		"rооt":                                  "mixes", // Cyrillic о
		"TikTok":                                "reserved",
		"TikTok Official":                       "reserved",
		"Deleted User":                          "reserved",
		"官方客服":                                  "reserved",
		"抖音官方":                                  "reserved",
		"官 方":                                   "reserved",
		"小明(官方)":                                "reserved",
		"我是管理员":                                 "reserved",
		"系统":                                    "reserved",
		"抖音":                                    "reserved",
	} {
		err := p.Check(name)
		if !errors.Is(err, errno.InvalidArgument) || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", name, err, why)
		}
	}
	// Nothing is reserved without words.
	if err := policy(t, []string{}...).Check("bob"); err != nil {
		t.Error(err)
	}
	if err := policy(t, "only this").Check("admin"); err != nil {
		t.Error(err)
	}
}

func TestKey(t *testing.T) {
	p := policy(t)
	for _, pair := range [][2]string{
		{"ace", "асе"}, // all Cyrillic
		{"Bob", "ВоЬ"}, // all Cyrillic
		{"BOB", "ВОВ"},
		{"bob", "ｂｏｂ"},
		{"bob", "𝐛𝐨𝐛"},
		{"bob", "bob\ufe0f"},
		{"josé", "jose\u0301"},
		{"paypal", "paypaI"},
		{"user1", "userl"},
		{"barn", "bam"},
	} {
		if !bytes.Equal(p.Key(pair[0]), p.Key(pair[1])) {
			t.Errorf("%q and %q look alike", pair[0], pair[1])
		}
	}
	seen := map[string]string{}
	for _, name := range []string{
		"Bob", "bob", "BOB", "böb", "bób", "bab", "Alice", "alice", "张三", "张山", "🎬", "🎥", "strasse", "straße",
		"user2", "user3", "bo b",
	} {
		key := string(p.Key(name))
		if len(key) != 32 {
			t.Errorf("%q: %d bytes", name, len(key))
		}
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q have one key", name, other)
		}
		seen[key] = name
	}
}

func TestReservedWordsAreChecked(t *testing.T) {
	for _, word := range []string{"", "*", "**", "*half", "half*", "a*b", "*a*b*", "!!", "\xff"} {
		if _, err := names.New(names.Config{Reserved: []string{word}}); err == nil {
			t.Errorf("%q is taken for a word", word)
		}
	}
	if err := (names.Config{Reserved: names.DefaultReserved()}).Check(); err != nil {
		t.Error(err)
	}
}

func FuzzCheck(f *testing.F) {
	p := policy(f)
	for _, s := range []string{"bob", "аlice", "\u0301\u0301", "﷽﷽", "\xff", "官方"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_ = p.Check(s)
		if len(p.Key(s)) != 32 {
			t.Fatal("key")
		}
	})
}

func TestCheckDisplay(t *testing.T) {
	p := policy(t)
	for _, name := range []string{"Ann Li", "Иван (Ivan)", "张三 🎬", "👩‍👩‍👧 us", "unofficial fan", "O'Brien & Søn"} {
		if err := p.CheckDisplay(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, target := range map[string]*errno.Error{
		"Admin": errno.ProfileRefused, "а_d.m i n" /* Cyrillic а */ : errno.ProfileRefused, "官方小助手": errno.ProfileRefused,
		"ad\u200dmin": errno.ProfileRefused, "bo\ue000b": errno.InvalidArgument, "e\u0301\u0302\u0303\u0304\u0305": errno.InvalidArgument,
	} {
		if err := p.CheckDisplay(name); !errors.Is(err, target) {
			t.Errorf("%q: got %v, want %v", name, err, target)
		}
	}
}
