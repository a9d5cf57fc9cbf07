package indextest

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/cmd/discovery/index"
)

func testFits(t *testing.T, e index.Engine) {
	ann := []string{"ann_lee", "安妮"}
	build(t, e, 100,
		video(1, "我家的小猫咪", 1, nil),
		video(2, "cat 猫", 1, nil),
		video(3, "A holiday in Ｐａｒｉｓ", 1, nil, "travel", "旅行"),
		video(4, "ねこのきもち カメラ", 1, nil),
		video(5, "우리집 고양이", 1, nil),
		video(6, "the dog", 1, ann),
		video(7, "tree", 1, nil),
		video(8, "x 7 2024", 1, nil),
		video(9, "Привет мир", 1, nil),
		video(10, "holiday dog", 1, nil, "paris"),
		video(11, "音乐abc音乐", 1, nil),
		user(21, 5, "ann_lee", "安妮"),
		user(22, 5, "bob", "Bobby Tables"),
		user(23, 5, "小猫咪", ""),
		tag("travel", 3), tag("travelling", 2), tag("旅行", 5), tag("小旅行", 1), tag("cat", 9),
	)
	for _, c := range []struct{ text, want string }{
		// Han by any part.
		{"猫", "1 2"},
		{"小猫", "1"},
		{"猫咪", "1"},
		{"我家的小猫咪", "1"},
		{"家的小", "1"},
		{"猫狗", ""},
		// Kana and Hangul.
		{"ね", "4"},
		{"きもち", "4"},
		{"カメ", "4"},
		{"ｶﾒﾗ", "4"},
		{"고양이", "5"},
		{"양", "5"},
		// Words of Latin, in any case and width.
		{"a", "3"},
		{"x", "8"},
		{"7", "8"},
		{"2024", "8"},
		{"THE", "6"},
		{"paris", "3 10"},
		{"ｐａｒｉｓ", "3 10"},
		{"CAT", "2"},
		{"holi", ""},
		{"привет", "9"},
		// Mixed, with and without spaces.
		{"cat 猫", "2"},
		{"cat猫", "2"},
		{"猫cat", "2"},
		{"abc", "11"},
		{"音乐 abc", "11"},
		// All words, by title, tags and names together.
		{"holiday", "3 10"},
		{"holiday dog", "10"},
		{"dog holiday", "10"},
		{"holiday travel", "3"},
		{"holiday 旅行", "3"},
		{"dog ann", "6"},
		{"dog 安妮", "6"},
		{"安", "6"},
		{"旅", "3"},
		{"holiday cat", ""},
		{"#travel", "3"},
		// One edit in words of four letters or more.
		{"holidax", "3 10"},
		{"holidayy", "3 10"},
		{"holday", "3 10"},
		{"holiady", "3 10"},
		{"oholiday", "3 10"},
		{"ohliday", "3 10"},
		{"tre", ""},
		{"tred", "7"},
		{"trees", "7"},
		{"rtee", "7"},
		{"dgo", ""},
		{"dig", ""},
		{"doog", "6 10"},
		{"holixxy", ""},
		{"hoidya", ""},
		{"тривет", "9"},
		{"holidax dgo", ""},
		{"holidax dog", "10"},
	} {
		same(t, e, index.Query{Kind: index.Videos, Text: c.text}, c.want)
	}
	for _, c := range []struct {
		kind       index.Kind
		text, want string
	}{
		{index.Videos, "holi", "3 10"},
		{index.Videos, "dog holi", "10"},
		{index.Videos, "holi dog", ""},
		{index.Videos, "小", "1"},
		{index.Videos, "pa", "3 10"},
		{index.Users, "an", "21"},
		{index.Users, "bobby ta", "22"},
		{index.Users, "B", "22"},
		{index.Users, "猫", "23"},
		{index.Tags, "trav", "travel travelling"},
	} {
		same(t, e, index.Query{Kind: c.kind, Text: c.text, Complete: true}, c.want)
	}
	for _, c := range []struct {
		kind       index.Kind
		text, want string
	}{
		{index.Users, "ann", "21"},
		{index.Users, "ann_lee", "21"},
		{index.Users, "安妮", "21"},
		{index.Users, "妮", "21"},
		{index.Users, "BOBBY", "22"},
		{index.Users, "tabels", "22"},
		{index.Users, "bob tables", "22"},
		{index.Users, "小猫", "23"},
		{index.Users, "holiday", ""},
		{index.Tags, "t", "travel travelling"},
		{index.Tags, "#Travel", "travel travelling"},
		{index.Tags, "travelli", "travelling"},
		{index.Tags, "旅行", "旅行 小旅行"},
		{index.Tags, "小", "小旅行"},
		{index.Tags, "ca", "cat"},
		{index.Tags, "dog", ""},
	} {
		same(t, e, index.Query{Kind: c.kind, Text: c.text}, c.want)
	}
}

func testOrder(t *testing.T, e index.Engine) {
	popular := video(13, "sunset tower", 20, nil)
	popular.Rank = index.VideoRank(popular.PublishedMs, 100_000)
	build(t, e, 100,
		video(1, "sunset beach", 10, nil),
		video(2, "sunset beach today", 30, nil),
		video(3, "beach sunset beach sunset", 20, nil),
		video(4, "evening", 90, nil, "sunset", "beach"),
		video(5, "beach", 95, []string{"sunset", "x"}),
		video(6, "sunsat beach", 99, nil),
		video(12, "sunset tower", 21, nil), popular,
		video(14, "sunset tower", 20, nil), video(15, "sunset tower", 20, nil),
		user(21, 5, "tom_cat", "Tom"),
		user(22, 5_000, "tom_hanks", "Tom Hanks"),
		user(23, 0, "toms", "Toms"),
		user(24, 9, "tom_dog", "a tom"),
		tag("sun", 1), tag("sunday", 100), tag("sunrise", 10),
	)
	for _, c := range []struct {
		kind       index.Kind
		text, want string
	}{
		// Title before tags and names, these before what needs an edit; within each the newest first.
		{index.Videos, "sunset beach", "2 3 1 5 4 6"},
		{index.Videos, "beach", "6 5 2 3 1 4"},
		// Popularity with freshness: ten times as popular is 72 hours; equal ones by key.
		{index.Videos, "tower", "13 12 14 15"},
		// The whole name first.
		{index.Users, "tom", "21 22 24"},
		{index.Tags, "sun", "sun sunday sunrise"},
	} {
		found(t, e, index.Query{Kind: c.kind, Text: c.text}, c.want)
	}
	hits, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: "sunset beach", Limit: 10})
	must(t, err)
	for i := 1; i < len(hits); i++ {
		if hits[i].Score > hits[i-1].Score {
			t.Errorf("score of hit %d is above the one before: %v", i, hits)
		}
	}
}

func testPages(t *testing.T, e index.Engine) {
	const n = 250
	var docs []index.Doc
	var want []string
	for i := range int64(n) {
		// Five of each rank, so that pages end within equal ones; some by the title, some by a tag, some with an edit.
		d := video(i+1, "kittens", 1000-i/5, nil)
		switch {
		case i >= 200:
			d.Title = "kittenz"
		case i >= 100:
			d.Title, d.Tags = "", []string{"kittens"}
		}
		docs = append(docs, d)
	}
	// Keys are compared as text.
	for i := 0; i < n; i += 5 {
		five := []string{}
		for j := range 5 {
			five = append(five, fmt.Sprint(i+j+1))
		}
		for range 5 {
			least := 0
			for k := range five {
				if five[k] < five[least] {
					least = k
				}
			}
			want = append(want, five[least])
			five = append(five[:least], five[least+1:]...)
		}
	}
	build(t, e, n, docs...)
	for _, limit := range []int{7, 30, 100} {
		var got []string
		q := index.Query{Kind: index.Videos, Text: "kittens", Limit: limit}
		for {
			hits, err := e.Search(t.Context(), q)
			must(t, err)
			if len(hits) == 0 {
				break
			}
			if len(hits) > limit {
				t.Fatalf("%d hits of %d", len(hits), limit)
			}
			for _, h := range hits {
				got = append(got, fmt.Sprint(h.ID))
			}
			if len(got) > n {
				break
			}
			q.After = hits[len(hits)-1].Cursor
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("pages of %d: %v\nwant %v", limit, got, want)
		}
	}
}

func testHostile(t *testing.T, e index.Engine) {
	nasty := []string{
		`"`, `"""`, `'`, "`", `\`, `\\`, "*", "?", "c*t", "*at", "~", "cat~2",
		"AND", "OR NOT", "cat AND", "NOT cat", "+cat", "-cat", "(", ")", "((((",
		"title:cat", "_id:v1", "*:*", "[a TO z]", "{", "}",
		`{"match_all":{}}`, "/.*/", "/(a+)+$/", "^", "cat^9999", "!", "&&", "||", "<script>", "%", "_",
		"' OR 1=1 --", "a\x00b", "\x00", "\xff\xfe", "\xc3", "\uFFFD", "\u200b", "\u202e", "\ufeff", "\t\r\n", " ", "#", "##", "@", "...", "----",
		strings.Repeat("😀", index.MaxText), strings.Repeat("猫", index.MaxText), strings.Repeat("x", index.MaxText),
		strings.Repeat("a ", index.MaxText/2), strings.Repeat("猫 ", index.MaxText/2), strings.Repeat("abcd ", index.MaxText/5),
		strings.Repeat("é", index.MaxText), strings.Repeat("e\u0301", index.MaxText/2), strings.Repeat("\u0301", index.MaxText),
		strings.Repeat("*", index.MaxText), strings.Repeat("?", index.MaxText),
		strings.Repeat("(", index.MaxText), strings.Repeat("\\", index.MaxText),
	}
	docs := []index.Doc{video(1, "cat", 1, nil), user(1000, 1, "cat"), tag("cat", 1)}
	for i, s := range nasty {
		docs = append(docs, video(int64(i+2), s, 1, []string{s, s}), user(int64(i+2), 1, s, s))
	}
	docs = append(docs,
		video(500, strings.Repeat("x", 100_000), 1, nil), video(501, strings.Repeat("猫", 50_000), 1, nil),
		video(502, strings.Repeat("ab ", 30_000), 1, nil, strings.Repeat("t", 500)), video(503, "", 1, nil, ""), user(503, 1),
	)
	build(t, e, 1000, docs...)
	for _, s := range nasty {
		for _, kind := range []index.Kind{index.Videos, index.Users, index.Tags} {
			for _, complete := range []bool{false, true} {
				q := index.Query{Kind: kind, Text: s, Complete: complete, Limit: 20}
				hits, err := e.Search(t.Context(), q)
				if err != nil {
					t.Errorf("%q: %v", s, err)
					continue
				}
				if len(index.Words(s)) == 0 && len(hits) > 0 {
					t.Errorf("%q finds %v", s, ids(hits))
				}
				for _, h := range hits { // each of them can be gone on behind
					q.After = h.Cursor
				}
				if _, err := e.Search(t.Context(), q); err != nil {
					t.Errorf("%q, on: %v", s, err)
				}
			}
		}
	}
	// None is an operator.
	same(t, e, index.Query{Kind: index.Tags, Text: "c*t"}, "")
	same(t, e, index.Query{Kind: index.Tags, Text: "*"}, "")
	for _, s := range []string{"ca*", "ca?", "/ca./", "title:dog", "do*"} {
		same(t, e, index.Query{Kind: index.Videos, Text: s}, "")
	}
	// The same is taken by Apply.
	for i := range docs {
		docs[i].Version = 1500
	}
	must(t, e.Apply(t.Context(), docs, 2000))
}
