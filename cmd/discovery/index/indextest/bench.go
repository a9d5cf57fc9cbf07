package indextest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tiktok/cmd/discovery/index"
)

// han and latin are the words of titles that Bench makes, by how often they are used: the first are in many titles, the last in few.
const han = "的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之都好看起" +
	"发当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位分爱老因很给名法间斯知世什两次" +
	"使身者被高已亲其进此话常与活正感见明问力理尔点文几定本公特做外孩相西果走将月十实向声车全信重三机工物气每并别真打太新比才便夫" +
	"再书部水像眼等体却加电主界门利海受听表德少克代员许先口由死安写性马光白或住难望教命花结乐色猫狗舞歌食旅拍跳唱吃喝玩笑"

const latin = "the my cat dog love vlog day music dance cover live funny best travel food cooking makeup challenge summer " +
	"beach sunset guitar piano holiday kitchen recipe workout morning routine street fashion football basketball skateboard drawing painting"

func latinWords() []string { return strings.Fields(latin) }

// title is of some Chinese and Latin words, and rarely of one that no other title has.
func title(r *rand.Rand) string {
	var b strings.Builder
	chars, words := []rune(han), latinWords()
	pick := func(n int) int { return int(float64(n) * r.Float64() * r.Float64() * r.Float64()) }
	for range 1 + r.IntN(3) {
		if r.IntN(2) == 0 {
			for range 3 + r.IntN(8) {
				b.WriteRune(chars[pick(len(chars))])
			}
		} else {
			for range 1 + r.IntN(4) {
				if r.IntN(8) == 0 {
					b.WriteString(strconv.FormatInt(int64(r.IntN(5_000_000)), 36))
				} else {
					b.WriteString(words[pick(len(words))])
				}
				b.WriteByte(' ')
			}
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

func benchDocs(from, n int, r *rand.Rand) []index.Doc {
	docs := make([]index.Doc, n)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	words := latinWords()
	for i := range docs {
		id := int64(from + i + 1)
		published := start + id*30_000
		author := r.IntN(50_000)
		docs[i] = index.Doc{
			Kind: index.Videos, ID: id<<20 + 7, Version: id, Title: title(r), Tags: []string{words[r.IntN(len(words))]}, AuthorID: int64(author),
			AuthorNames: []string{fmt.Sprintf("user%d", author), string([]rune(han)[author%200 : author%200+3])},
			PublishedMs: published, Rank: index.VideoRank(published, int64(r.ExpFloat64()*50)),
		}
	}
	return docs
}

// Bench builds an index of SEARCH_DOCS titles (20,000 when not set) and prints what it costs, and what searches cost in it. It is a report,
// not a loop of b.N: -benchtime 1x. cpu is the time that the engine has used so far, memory tells in words what it takes.
func Bench(b *testing.B, e index.Engine, cpu func() time.Duration, memory func() string) {
	b.Helper()
	total := 20_000
	if n, err := strconv.Atoi(os.Getenv("SEARCH_DOCS")); err == nil {
		total = n
	}
	r := rand.New(rand.NewPCG(1, 2))

	began, before := time.Now(), cpu()
	build, err := e.Build(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var sample []index.Doc
	for at := 0; at < total; at += index.MaxBatch {
		docs := benchDocs(at, min(index.MaxBatch, total-at), r)
		sample = append(sample, docs[0])
		if err := build.Add(b.Context(), docs); err != nil {
			b.Fatal(err)
		}
	}
	added := time.Since(began)
	if err := build.Commit(b.Context(), int64(total)); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	info, err := e.Info(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	report("%d documents built in %v (%v of it merging), %.0f/s, CPU %v; %.1f MB on disk, %d bytes each; %s",
		info.Docs, took.Round(time.Millisecond), (took - added).Round(time.Millisecond), float64(total)/took.Seconds(), cpu()-before,
		float64(info.Bytes)/1e6, info.Bytes/int64(total), memory())

	chars, words := []rune(han), latinWords()
	for _, c := range []struct {
		name string
		text func(i int) string
		open bool
	}{
		{"one character", func(i int) string { return string(chars[i%len(chars)]) }, false},
		{"the most frequent one", func(int) string { return string(chars[0]) }, false},
		{"two characters", func(i int) string { return string(chars[i%20]) + string(chars[i/20%20]) }, false},
		{"word of Latin", func(i int) string { return words[i%len(words)] }, false},
		{"with an edit", func(i int) string { w := words[10+i%25]; return w[:2] + "x" + w[3:] }, false},
		{"three words", func(i int) string { return words[i%8] + " " + words[i%5+8] + " " + string(chars[i%40]) }, false},
		{"one letter, incomplete", func(i int) string { return string(rune('a' + i%26)) }, true},
		{"three letters, incomplete", func(i int) string { return words[10+i%25][:3] }, true},
		{"a whole title", func(i int) string { return sample[i%len(sample)].Title }, false},
	} {
		var took []time.Duration
		hits := 0
		before, began := cpu(), time.Now()
		for i := 0; i < 2000 && time.Since(began) < 20*time.Second; i++ {
			q := index.Query{Kind: index.Videos, Text: c.text(i), Complete: c.open, Limit: 30}
			at := time.Now()
			found, err := e.Search(b.Context(), q)
			if err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(at))
			hits += len(found)
		}
		used := cpu() - before
		slices.SortFunc(took, cmp.Compare)
		report("%-28s p50 %8v  p99 %8v  CPU each %8v  hits %4.1f", c.name, took[len(took)/2].Round(time.Microsecond),
			took[len(took)*99/100].Round(time.Microsecond), (used / time.Duration(len(took))).Round(time.Microsecond),
			float64(hits)/float64(len(took)))
	}

	// Changes as a follower applies them.
	for _, n := range []int{1, 100, index.MaxBatch} {
		var took []time.Duration
		for range 10 {
			docs := benchDocs(r.IntN(total), n, r)
			total++
			for i := range docs {
				docs[i].Version = int64(total)
			}
			at := time.Now()
			if err := e.Apply(b.Context(), docs, int64(total)); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(at))
		}
		slices.SortFunc(took, cmp.Compare)
		report("%d changes applied: p50 %v, worst %v", n, took[5].Round(time.Microsecond), took[9].Round(time.Microsecond))
	}
	at := time.Now()
	sums, err := e.Sums(b.Context(), []index.Range{{Kind: index.Videos, From: 0, To: 1 << 62}})
	if err != nil {
		b.Fatal(err)
	}
	report("sums of %d documents: %v; %s", sums[0].Docs, time.Since(at).Round(time.Millisecond), memory())
}

// report prints now: a benchmark's own log is cut.
func report(format string, args ...any) { _, _ = fmt.Fprintf(os.Stdout, format+"\n", args...) }
