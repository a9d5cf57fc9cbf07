package opensearch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tiktok/cmd/discovery/index"
)

// TestScripts: the analyzer divides what package index calls a word, in every script: each is found by itself, each character of CJK too.
func TestScripts(t *testing.T) {
	e := open(t, prefix(t))
	titles := []string{
		"ㄅㄆㄇ注音", "人々の〇〇", "𠮷野家で", "ねーー", "ㅋㅋㅋ 한국어", "ﾊﾟﾋﾟﾌﾟ", "アイヌㇰ", "コーヒー豆", "2024年abc中def",
		"สวัสดีครับabc", "हिन्दी में", "שלום עולם", "مرحبا بالعالم", "Ελλάδα", "ѐёж", "ไทย12",
		"ꀀꀁ ꀂ", "ကမြန်မာ", "x²½①Ⅷ", "l’été d'or", "foo_bar.baz-7.5", "İstanbul ß ŉ", "ᏣᎳᎩ",
		"𝔘𝔫𝔦", "ᚠᛖᚻ", "ⴰⵎⴰⵣⵉⵖ", "〆切ヶ", "ㆍ가ㆎ", "𛀁 𖿰", "ᄀᄁ", "བོད", "ᠮᠣᠩ", "𒀀𒀁", "꧋ꦗ", "⿰ 㐀㐁",
		"々々", "〡〢", "ゝヽヾゞ", "ｰｰ", "豈更", "佐々木さん", "〻〻々",
	}
	docs := make([]index.Doc, len(titles))
	for i, title := range titles {
		docs[i] = index.Doc{Kind: index.Videos, ID: int64(i + 1), Version: 1, Title: title}
	}
	serve(t, e, 1, docs...)
	for i, title := range titles {
		for _, w := range index.Words(title) {
			ask := []string{w.Text}
			if w.CJK {
				single, pairs := w.Grams()
				ask = append(append(ask, single...), pairs...)
			}
			for _, text := range ask {
				hits, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: text, Limit: index.MaxLimit})
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				if !slices.ContainsFunc(hits, func(h index.Hit) bool { return h.ID == int64(i+1) }) {
					t.Errorf("%q does not find %q", text, title)
				}
			}
		}
	}
}

// TestLongTexts: texts of MaxText with as many different words, characters and edits as fit, which are the most clauses of a query, are
// answered, and find what has all of it.
func TestLongTexts(t *testing.T) {
	e := open(t, prefix(t))
	var han, pieces, letters, words strings.Builder
	for i := range index.MaxText {
		han.WriteRune('一' + rune(i*7))
	}
	for i := range index.MaxText / 4 {
		fmt.Fprintf(&pieces, "%c%c%c ", '一'+rune(i*9), '一'+rune(i*9+1), '一'+rune(i*9+2))
		fmt.Fprintf(&words, "%c%cx", 'a'+rune(i), 'b'+rune(i))
		words.WriteString([]string{"yz ", "zy "}[i%2])
	}
	for i := range index.MaxText / 2 {
		fmt.Fprintf(&letters, "%c ", 'а'+rune(i))
	}
	titles := []string{han.String(), pieces.String(), letters.String(), words.String()}
	docs := make([]index.Doc, len(titles))
	for i, title := range titles {
		docs[i] = video(int64(i+1), title, 1)
	}
	serve(t, e, 1, docs...)
	for i, title := range titles {
		text := string([]rune(title)[:min(len([]rune(title)), index.MaxText)])
		for _, complete := range []bool{false, true} {
			hits, err := e.Search(t.Context(), index.Query{Kind: index.Videos, Text: text, Complete: complete, Limit: 5})
			if err != nil || len(hits) != 1 || hits[0].ID != int64(i+1) {
				t.Errorf("%q finds %v, %v", text, hits, err)
			}
		}
	}
}
