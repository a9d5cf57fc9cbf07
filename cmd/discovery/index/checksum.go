package index

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"sort"
)

// Checksum is of all that is to be found of a document, but for its version, and for what may lag: its rank, and the names of its author.
// Sums of them, modulo 2^64, compare an index with the catalogue.
func (d *Doc) Checksum() uint64 {
	h := fnv.New64a()
	write := func(s string) {
		var n [4]byte
		binary.LittleEndian.PutUint32(n[:], uint32(len(s)))
		_, _ = h.Write(n[:]) // a hash takes everything
		_, _ = h.Write([]byte(s))
	}
	write(d.Key())
	write(d.Title)
	tags := append([]string(nil), d.Tags...)
	sort.Strings(tags)
	for _, lists := range [][]string{tags, d.Names} {
		for _, s := range lists {
			write(s)
		}
		write("")
	}
	var n [16]byte
	binary.LittleEndian.PutUint64(n[:8], uint64(d.AuthorID))
	binary.LittleEndian.PutUint64(n[8:], uint64(d.PublishedMs))
	_, _ = h.Write(n[:])
	return h.Sum64()
}

// rankHours is how many hours newer a video must be to stand beside one that is ten times as popular.
const rankHours = 72

// VideoRank orders videos that fit equally well: by freshness and popularity together. It does not fade: what is new has a greater one from
// the start, so it changes only when the popularity does. popularity is likes and views in one number, below 0 is 0.
func VideoRank(publishedMs, popularity int64) float64 {
	return math.Log10(1+float64(max(0, popularity))) + float64(publishedMs)/(rankHours*3600e3)
}

// PopularityRank orders users by followers, tags by videos.
func PopularityRank(n int64) float64 { return math.Log10(1 + float64(max(0, n))) }
