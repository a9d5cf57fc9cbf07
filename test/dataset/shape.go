package dataset

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"tiktok/pkg/id"
)

// Shape is how much of everything a data set has. Data sets of one shape are the same.
type Shape struct {
	Users, videos, favorites, comments, follows, chats int
	// start is when the first of it was made.
	start time.Time
}

// messagesOfChat is how many messages each conversation begins with.
const messagesOfChat = 10

// NewShape is 10,000 users, 20,000 videos, a million likes, 200,000 comments and follows, 100,000 messages, times scale.
func NewShape(scale float64) Shape {
	n := func(k float64) int { return max(1, int(math.Round(k*scale))) }
	return Shape{
		Users: n(10_000), videos: n(20_000), favorites: n(1_000_000), comments: n(200_000), follows: n(200_000), chats: n(10_000),
		start: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -days),
	}
}

// WithVideos is the same with another number of videos.
func (s Shape) WithVideos(n int) Shape {
	s.videos = n
	return s
}

// Powers of the distributions: the k-th of a list by size has 1/k^power of what the first has.
const (
	authorPower   = 0.7 // videos of an author
	fanPower      = 0.9 // likes that a user gives
	videoPower    = 0.8 // likes and comments that a video gets
	followerPower = 0.6 // users that a user follows
	famePower     = 0.7 // followers that a user gets
)

// degrees splits total among n by a power law; nobody gets more than most or less than 1, as far as that adds up.
func degrees(n, total int, power float64, most int) []int {
	sum := func(c float64) (all float64) {
		for i := range n {
			all += min(float64(most), max(1, c*math.Pow(float64(i+1), -power)))
		}
		return all
	}
	low, high := 0.0, float64(total)
	for range 60 {
		if mid := (low + high) / 2; sum(mid) < float64(total) {
			low = mid
		} else {
			high = mid
		}
	}
	d, left := make([]int, n), total
	for i := range n {
		d[i] = min(most, max(1, int(low*math.Pow(float64(i+1), -power))), max(0, left))
		left -= d[i]
	}
	for i := n - 1; left > 0 && d[i] < most; i = (i + n - 1) % n { // what rounding down has left, to those who have least
		d[i]++
		left--
	}
	return d
}

// sampler draws numbers below n by a power law.
type sampler struct{ upTo []float64 }

func newSampler(n int, power float64) sampler {
	s := sampler{make([]float64, n)}
	total := 0.0
	for i := range n {
		total += math.Pow(float64(i+1), -power)
		s.upTo[i] = total
	}
	return s
}

func (s sampler) draw(r *rand.Rand) int {
	at := r.Float64() * s.upTo[len(s.upTo)-1]
	return min(sort.SearchFloat64s(s.upTo, at), len(s.upTo)-1)
}

// seed makes every data set of one scale the same; source is a stream of random numbers for each use, so that one does
// not shift the others.
const seed = 6

func source(use uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, use)) }

// Uses of random numbers.
const (
	useAuthors = iota
	useFans
	useVideos
	useFavorites
	useComments
	useFollowers
	useFame
	useFollows
	useAccess
	useTitles
	useHistory
)

// Days of the data set on which its parts begin, all of them past, so that whatever a service makes is newer. The last videos are of the
// last day.
const (
	usersDay     = 0
	videosDay    = 1
	commentsDay  = 150
	followsDay   = 152
	favoritesDay = 154
	historyDay   = 155
	messagesDay  = 156
	days         = 160
)

func (s Shape) day(n int) time.Time { return s.start.AddDate(0, 0, n) }

// idAt is the n-th id that the last node would have made from the beginning of a day on, 128 in each millisecond.
func (s Shape) idAt(d, n int) int64 {
	const node, perMs = 63, 128 // it fills the ids of the last four nodes
	return id.At(s.day(d).Add(time.Duration(n/perMs)*time.Millisecond)) + node*perMs + int64(n%perMs)
}

// userID and videoID are the users and videos of a data set by index; videos are as far apart as each other.
func (s Shape) userID(i int) int64 { return s.idAt(usersDay, i) }

func (s Shape) videoID(i int) int64 {
	const all = (days - videosDay) * 24 * time.Hour
	return id.At(s.day(videosDay).Add(all/time.Duration(s.videos)*time.Duration(i))) + 63<<7
}

// FeedSize is the videos of a feed page.
const FeedSize = 30

// authorsOf is the author of each video, as an index, the newest last. No two of a page are by the same author as far as
// there are authors enough.
func authorsOf(users, videos int) []int32 {
	r := source(useAuthors)
	rank := r.Perm(users)
	authors := make([]int32, 0, videos)
	for i, n := range degrees(users, videos, authorPower, videos) {
		authors = append(authors, slices.Repeat([]int32{int32(rank[i])}, n)...)
	}
	r.Shuffle(len(authors), func(i, j int) { authors[i], authors[j] = authors[j], authors[i] })
	for i := range authors {
		near := authors[max(0, i-FeedSize+1):i]
		for tries := 0; tries < FeedSize && slices.Contains(near, authors[i]); tries++ {
			j := i + r.IntN(len(authors)-i)
			authors[i], authors[j] = authors[j], authors[i]
		}
	}
	slices.Reverse(authors) // the end, where nothing was left to choose from, is the oldest
	return authors
}

// favoritesOf calls each with the videos that each user likes, in the order of the likes; user by user.
func (s Shape) favoritesOf(each func(user int, videos []int32)) {
	rank, popular := source(useFans).Perm(s.Users), source(useVideos).Perm(s.videos)
	// A tenth likes a page or two, whatever the scale; the law would leave a small data set without such.
	const few = (listMin + listMax) / 2
	quiet := s.Users / 10
	byRank := degrees(s.Users-quiet, s.favorites-quiet*few, fanPower, max(1, min(2000, s.videos/4)))
	byRank = append(byRank, slices.Repeat([]int{few}, quiet)...)
	r, sample := source(useFavorites), newSampler(s.videos, videoPower)
	for user := range s.Users {
		var liked []int32
		seen := map[int32]bool{}
		for len(liked) < byRank[rank[user]] {
			if v := int32(popular[sample.draw(r)]); !seen[v] {
				seen[v] = true
				liked = append(liked, v)
			}
		}
		each(user, liked)
	}
}

// pairOf is one user who follows another, both as indexes.
type pairOf struct{ user, to int32 }

// followPairs are all of them in the order of the users; a third follows back.
func (s Shape) followPairs() []pairOf {
	rank, famous := source(useFollowers).Perm(s.Users), source(useFame).Perm(s.Users)
	byRank := degrees(s.Users, s.follows*3/4, followerPower, max(1, min(1000, s.Users/4)))
	r, sample := source(useFollows), newSampler(s.Users, famePower)
	seen := make(map[pairOf]bool, s.follows)
	for user := range s.Users {
		for n, tries := 0, 0; n < byRank[rank[user]] && tries < 50*s.Users; tries++ {
			p := pairOf{int32(user), int32(famous[sample.draw(r)])}
			if p.user == p.to || seen[p] {
				continue
			}
			seen[p] = true
			n++
			if r.IntN(3) == 0 {
				seen[pairOf{p.to, p.user}] = true
			}
		}
	}
	pairs := make([]pairOf, 0, len(seen))
	for p := range seen {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b pairOf) int {
		if a.user != b.user {
			return int(a.user - b.user)
		}
		return int(a.to - b.to)
	})
	return pairs
}
