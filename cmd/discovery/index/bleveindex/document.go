package bleveindex

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/document"
	bleve "github.com/blevesearch/bleve_index_api"

	"tiktok/cmd/discovery/index"
)

// Fields of bleve's documents. Each kind has its own fields of words, so that a word's documents are all of one kind.
const (
	fieldOrder  = "o" // values: what hits are ordered by, and their key
	fieldCheck  = "c" // values: version and checksum
	fieldBucket = "b" // the kind, and the rank divided by bucketWidth
)

// fields are those of words of one kind.
type fields struct {
	// title has the words of the title, of the names, or of the tag.
	title string
	// other has those of tags and the author's names; empty for users and tags.
	other string
	// whole has names and tags as a whole; empty for videos.
	whole string
}

func fieldsOf(k index.Kind) fields {
	switch k {
	case index.Videos:
		return fields{title: "vt", other: "vo"}
	case index.Users:
		return fields{title: "ut", whole: "uw"}
	case index.Tags:
	}
	return fields{title: "tt", whole: "tw"}
}

// Options of fields: nothing counts how often a word is in a text, and nothing is stored but the key.
const (
	searched = bleve.IndexField | bleve.SkipFreqNorm
	valued   = searched | bleve.DocValues
)

// toDocument makes bleve's document of one of ours.
func toDocument(d *index.Doc) *document.Document {
	out := document.NewDocument(d.Key())
	add := func(name string, options bleve.FieldIndexingOptions, terms ...string) {
		if len(terms) > 0 {
			out.AddField(document.NewTextFieldCustom(name, nil, nil, options, fixed(terms)))
		}
	}
	f := fieldsOf(d.Kind)
	switch d.Kind {
	case index.Videos:
		add(f.title, searched, terms(d.Title)...)
		var other []string
		for _, s := range append(append([]string(nil), d.Tags...), d.AuthorNames...) {
			other = append(other, terms(s)...)
		}
		add(f.other, searched, other...)
	case index.Users:
		var names, whole []string
		for _, s := range d.Names {
			names = append(names, terms(s)...)
			if w := wholeOf(s); w != "" {
				whole = append(whole, w)
			}
		}
		add(f.title, searched, names...)
		add(f.whole, searched, whole...)
	case index.Tags:
		add(f.title, searched, terms(d.Tag)...)
		if w := wholeOf(d.Tag); w != "" {
			add(f.whole, searched, w)
		}
	}
	add(fieldOrder, valued, orderOf(d.Rank, d.Key()))
	add(fieldCheck, valued, string(append(pack(uint64(d.Version)), pack(d.Checksum())...))) //nolint:gosec // read as it is written
	add(fieldBucket, searched, bucketTerm(d.Kind, bucketOf(d.Rank)))
	return out
}

// terms are what a text is found by.
func terms(s string) []string {
	var out []string
	for _, w := range index.Words(s) {
		if !w.CJK {
			out = append(out, w.Text)
			continue
		}
		single, pairs := w.Grams()
		out = append(append(out, single...), pairs...)
	}
	return out
}

// wholeOf is a name as it is compared, cut like words are.
func wholeOf(s string) string {
	runes := []rune(index.Fold(s))
	return string(runes[:min(len(runes), index.MaxText)])
}

// fixed is an analyzer that returns terms which were found before.
type fixed []string

// Analyze implements analysis.Analyzer.
func (f fixed) Analyze([]byte) analysis.TokenStream {
	out := make(analysis.TokenStream, len(f))
	tokens := make([]analysis.Token, len(f))
	for i, t := range f {
		tokens[i] = analysis.Token{Term: []byte(t), Position: i + 1}
		out[i] = &tokens[i]
	}
	return out
}

// packed is the length of a packed number.
const packed = 10

// pack writes a number so that the order of the bytes is that of the numbers. No byte is above 127: bleve ends values by 255.
func pack(n uint64) []byte {
	out := make([]byte, packed)
	for i := packed - 1; i >= 0; i-- {
		out[i] = byte(n & 127)
		n >>= 7
	}
	return out
}

func unpack(b []byte) uint64 {
	var n uint64
	for _, c := range b[:packed] {
		n = n<<7 | uint64(c)
	}
	return n
}

// orderOf begins with the rank, inverted: the least is the best. The key follows, without bytes that end it.
func orderOf(rank float64, key string) string {
	return string(pack(^sortable(rank))) + strings.ToValidUTF8(key, "\uFFFD")
}

// rankOf and keyOf read an order.
func rankOf(order []byte) float64 { return unsortable(^unpack(order)) }
func keyOf(order []byte) string   { return string(order[packed:]) }

// sortable is a number that is ordered as the float is.
func sortable(f float64) uint64 {
	if f == 0 || math.IsNaN(f) {
		f = 0 // no negative zero
	}
	bits := math.Float64bits(f)
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

func unsortable(n uint64) float64 {
	if n>>63 == 1 {
		return math.Float64frombits(n &^ (1 << 63))
	}
	return math.Float64frombits(^n)
}

// bucketWidth divides ranks: a sixteenth of 72 hours is some 1,000 videos when there are a million in half a year.
const bucketWidth = 1.0 / 16

func bucketOf(rank float64) uint32 {
	return uint32(max(0, min(rank/bucketWidth, math.MaxUint32)))
}

func bucketTerm(k index.Kind, bucket uint32) string {
	return string(binary.BigEndian.AppendUint32([]byte{byte(k)}, bucket))
}

// parseKey reads the key of a document of a kind.
func parseKey(k index.Kind, key string) (id int64, tag string, ok bool) {
	if key == "" || (&index.Doc{Kind: k}).Key()[0] != key[0] {
		return 0, "", false
	}
	if k == index.Tags {
		return 0, key[1:], true
	}
	id, err := strconv.ParseInt(key[1:], 10, 64)
	return id, "", err == nil
}

func parseBucket(term string) (uint32, bool) {
	if len(term) != 5 {
		return 0, false
	}
	return binary.BigEndian.Uint32([]byte(term[1:])), true
}
