package opensearch

import (
	"encoding/json"
	"math"
	"strings"
	"unicode"

	"tiktok/cmd/discovery/index"
)

// format is that of an index; a change of what is below is another one.
const format = 1

type object = map[string]any

// definition is the body that makes an index. Nothing is found in it until it is refreshed at the end of the build.
func definition(cfg Config, alias string) ([]byte, error) {
	// Positions let words of CJK be looked for as phrases of their pairs. How often and how long a text is says little, so there are no norms.
	text := object{"type": "text", "analyzer": "words", "search_analyzer": "query", "norms": false}
	part := object{"type": "integer", "index": false}
	mark := object{"type": "long", "index": false, "doc_values": false}
	return json.Marshal(object{
		"settings": object{
			"number_of_shards":   cfg.Shards,
			"number_of_replicas": cfg.Replicas, // from the beginning: a node may be lost before the build is done
			"refresh_interval":   "-1",
			"analysis": object{
				"filter": object{"characters_and_pairs": object{"type": "cjk_bigram", "output_unigrams": true}},
				"analyzer": object{
					"words": object{"type": "custom", "tokenizer": "standard", "filter": []string{"cjk_width", "lowercase", "characters_and_pairs"}},
					// One character alone stays one, more are pairs.
					"query": object{"type": "custom", "tokenizer": "standard", "filter": []string{"cjk_width", "lowercase", "cjk_bigram"}},
				},
			},
		},
		"aliases": object{alias: object{}},
		"mappings": object{
			"dynamic": "strict",
			// The catalogue has the documents.
			"_source": object{"includes": []string{"position", "format"}},
			"properties": object{
				// What has no kind is gone, or the position: nothing finds it.
				"kind": object{"type": "keyword"},
				"id":   object{"type": "long"},
				"key":  object{"type": "keyword", "index": false},
				// text is the title, the names or the tag; more the tags and the author's names of a video.
				"text": text,
				"more": text,
				// whole are names and the tag, folded.
				"whole": object{"type": "keyword", "doc_values": false, "ignore_above": maxWhole},
				"rank":  object{"type": "double", "index": false},
				"sum0":  part, "sum1": part, "sum2": part, "sum3": part,
				"position": mark,
				"format":   mark,
			},
		},
	})
}

// maxWhole bounds the names that are found as a whole, in characters.
const maxWhole = 512

// document is what is indexed of an index.Doc.
type document struct {
	Kind  string   `json:"kind,omitempty"`
	ID    int64    `json:"id"`
	Key   string   `json:"key,omitempty"`
	Text  []string `json:"text,omitempty"`
	More  []string `json:"more,omitempty"`
	Whole []string `json:"whole,omitempty"`
	Rank  float64  `json:"rank"`
	Sum0  uint64   `json:"sum0"`
	Sum1  uint64   `json:"sum1"`
	Sum2  uint64   `json:"sum2"`
	Sum3  uint64   `json:"sum3"`
}

func kindOf(k index.Kind) string {
	switch k {
	case index.Videos:
		return "v"
	case index.Users:
		return "u"
	case index.Tags:
	}
	return "t"
}

func documentOf(d *index.Doc) document {
	sum := d.Checksum()
	out := document{
		Kind: kindOf(d.Kind), ID: d.ID, Key: d.Key(), Rank: rank(d.Rank),
		// In parts, sums of which are exact in a float64 for 2^37 documents.
		Sum0: sum & 0xffff, Sum1: sum >> 16 & 0xffff, Sum2: sum >> 32 & 0xffff, Sum3: sum >> 48,
	}
	switch d.Kind {
	case index.Videos:
		out.Text = texts(d.Title)
		out.More = append(texts(d.Tags...), texts(d.AuthorNames...)...)
	case index.Users:
		out.Text, out.Whole = texts(d.Names...), wholes(d.Names...)
	case index.Tags:
		out.Text, out.Whole = texts(d.Tag), wholes(d.Tag)
	}
	return out
}

// rank is a number that JSON has, below index.FitWeight.
func rank(r float64) float64 {
	if math.IsNaN(r) {
		return 0
	}
	return max(0, min(r, index.FitWeight-1))
}

// texts are the words of each, for the analyzer.
func texts(from ...string) []string {
	var out []string
	for _, s := range from {
		words := index.Words(s)
		if len(words) == 0 {
			continue
		}
		parts := make([]string, len(words))
		for i := range words {
			parts[i] = analyzed(&words[i])
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

func wholes(from ...string) []string {
	var out []string
	for _, s := range from {
		if f := index.Fold(s); f != "" {
			out = append(out, f)
		}
	}
	return out
}

// analyzed is a word for the analyzer. It does not divide bopomofo and some marks of Han, so spaces do that, here and in queries.
func analyzed(w *index.Word) string {
	if !strings.ContainsFunc(w.Text, undivided) {
		return w.Text
	}
	var b strings.Builder
	for _, r := range w.Text {
		switch {
		case r == dropped:
			b.WriteString(" u3006 ")
		case undivided(r):
			b.WriteString(" " + string(r) + " ")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// dropped is a letter that is nothing for the analyzer; it is written as a word.
const dropped = '〆'

func undivided(r rune) bool {
	return r == '々' || r == '〻' || r == dropped || unicode.Is(unicode.Bopomofo, r)
}
