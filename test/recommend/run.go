package main

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tiktok/cmd/discovery/recommend"
)

// policy is a way to choose videos.
type policy string

// The policies.
const (
	chronological policy = "newest first"
	popular       policy = "most popular first"
	forYou        policy = "For you"
	// oracle knows the hidden tastes: nobody can do better.
	oracle policy = "oracle"
)

// score is what a policy achieved in the second half of a simulation.
type score struct {
	// shown is how many videos were shown, hits how many of them were finished or liked.
	shown, hits int
	// repeats is how many of all shown videos the user had seen.
	repeats int
	// coldShown and coldHits are of the first session of users who joined meanwhile.
	coldShown, coldHits int
	// coverage is the share of all videos that were shown to somebody, exposed that of the new ones which ten people were shown on their
	// first day.
	coverage, exposed float64
	// novelty is the mean of -log2 of the share of users who have seen a video before it is shown.
	novelty float64
	// top is the share of shown videos that are among the hundredth of videos that were shown most.
	top float64
	// reasons counts why videos were shown, and hitsOf how many of them were hits.
	reasons, hitsOf map[recommend.Reason]int
}

func (s score) rate() float64     { return share(s.hits, s.shown) }
func (s score) coldRate() float64 { return share(s.coldHits, s.coldShown) }

func share(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// simulate runs a world under one policy. The same parameters have the same result.
func simulate(p params, by policy) score {
	w := newWorld(p)
	s := score{reasons: map[recommend.Reason]int{}, hitsOf: map[recommend.Reason]int{}}
	counting, end := w.start.Add(time.Duration(p.days)*12*time.Hour), w.start.Add(time.Duration(p.days)*24*time.Hour)
	perStep := func(n int) float64 { return float64(n) * step.Hours() / 24 }
	var due struct{ users, videos float64 }
	before := map[int64]int{}
	for ; w.now.Before(end); w.now = w.now.Add(step) {
		for due.videos += perStep(p.videos); due.videos >= 1; due.videos-- {
			w.publish(w.now)
		}
		for due.users += perStep(p.newUsers); due.users >= 1; due.users-- {
			w.join()
		}
		if len(before) == 0 && !w.now.Before(counting) {
			for _, c := range w.clips {
				before[c.ID] = c.shown
			}
		}
		choose := w.chooser(by)
		for _, u := range w.people {
			first := u.sessions == 0 && u.joined.Equal(w.now)
			if !first && w.r.Float64() >= visits*step.Hours()/24 {
				continue
			}
			u.sessions++
			for range pages {
				for _, it := range choose(u) {
					again := u.seen[it.ID]
					old := w.clips[it.ID-1].shown
					hit := w.watch(u, it.ID)
					if w.now.Before(counting) {
						continue
					}
					s.count(it, old, len(w.people), again, hit, first && u.joined.After(w.start))
				}
			}
		}
	}
	s.finish(w, before, counting)
	return s
}

func (s *score) count(it recommend.Item, shown, people int, again, hit, cold bool) {
	s.shown++
	s.reasons[it.Reason]++
	s.novelty -= math.Log2(float64(shown+1) / float64(people+1))
	if again {
		s.repeats++
	}
	if cold {
		s.coldShown++
	}
	if hit {
		s.hits++
		s.hitsOf[it.Reason]++
		if cold {
			s.coldHits++
		}
	}
}

func (s *score) finish(w *world, before map[int64]int, counting time.Time) {
	s.novelty /= float64(max(1, s.shown))
	var counts []int
	covered, fresh, exposed := 0, 0, 0
	for _, c := range w.clips {
		n := c.shown - before[c.ID]
		counts = append(counts, n)
		if n > 0 {
			covered++
		}
		at := time.UnixMilli(c.PublishedMs)
		if at.After(counting) && at.Before(w.now.Add(-24*time.Hour)) {
			if fresh++; c.firstDay >= 10 {
				exposed++
			}
		}
	}
	s.coverage, s.exposed = share(covered, len(w.clips)), share(exposed, fresh)
	slices.SortFunc(counts, func(a, b int) int { return cmp.Compare(b, a) })
	top := 0
	for _, n := range counts[:max(1, len(counts)/100)] {
		top += n
	}
	s.top = share(top, s.shown)
}

// chooser is what a policy shows to users now: a page.
func (w *world) chooser(by policy) func(u *user) []recommend.Item {
	var order []int64
	switch by {
	case forYou:
		pool := w.pool()
		return func(u *user) []recommend.Item {
			v, own := w.viewer(u, pool)
			r := rand.New(rand.NewPCG(w.seed, uint64(w.r.Int64())))
			items := recommend.Rank(v, recommend.Candidates{Pool: pool, Own: own}, w.s, r)
			return items[:min(pageSize, len(items))]
		}
	case popular:
		for _, c := range w.hottest(len(w.clips)) {
			order = append(order, c.ID)
		}
	case oracle:
		return func(u *user) []recommend.Item {
			type chance struct {
				id int64
				p  float64
			}
			var all []chance
			for _, c := range w.clips {
				if !u.seen[c.ID] {
					all = append(all, chance{c.ID, w.chance(u, c)})
				}
			}
			slices.SortFunc(all, func(a, b chance) int { return cmp.Compare(b.p, a.p) })
			items := make([]recommend.Item, 0, pageSize)
			for _, c := range all[:min(pageSize, len(all))] {
				items = append(items, recommend.Item{ID: c.id})
			}
			return items
		}
	default:
		for i := len(w.clips); i > 0; i-- {
			order = append(order, int64(i))
		}
	}
	return func(u *user) (items []recommend.Item) {
		for _, id := range order {
			if len(items) == pageSize {
				break
			}
			if !u.seen[id] {
				items = append(items, recommend.Item{ID: id})
			}
		}
		return items
	}
}

// kind is a kind of world.
type kind struct {
	name     string
	strength float64
}

func kinds() []kind { return []kind{{"strong tastes", 1}, {"weak tastes", 0.5}, {"no tastes", 0}} }

// report simulates all, and writes a table and charts.
func report(base params, seeds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d users and %d new ones a day, %d videos a day of %d authors, %d days; %d seeds: mean, in brackets least to most.\n\n",
		base.users, base.newUsers, base.videos, base.authors, base.days, seeds)
	b.WriteString("| tastes | feed | hit rate | first session of new users | shown at least once | new videos seen by ten on their first day" +
		" | novelty (bits) | share of the top 1 % | repeated |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n")
	policies := []policy{chronological, popular, forYou, oracle}
	rates := map[policy][]string{}
	var reasons score
	for _, k := range kinds() {
		for _, by := range policies {
			var all []score
			for seed := range uint64(seeds) {
				p := base
				p.seed, p.strength = seed+1, k.strength
				all = append(all, simulate(p, by))
			}
			if by == forYou && k.strength == 1 {
				reasons = all[0]
			}
			rate, least, most := spread(all, score.rate)
			mean := func(f func(score) float64) float64 { m, _, _ := spread(all, f); return m }
			percent := func(f func(score) float64) float64 { return 100 * mean(f) }
			fmt.Fprintf(&b, "| %s | %s | %.3f (%.3f–%.3f) | %.3f | %.0f %% | %.0f %% | %.1f | %.0f %% | %.0f |\n",
				k.name, by, rate, least, most, mean(score.coldRate),
				percent(func(s score) float64 { return s.coverage }), percent(func(s score) float64 { return s.exposed }),
				mean(func(s score) float64 { return s.novelty }), percent(func(s score) float64 { return s.top }),
				mean(func(s score) float64 { return float64(s.repeats) }))
			rates[by] = append(rates[by], fmt.Sprintf("%.3f", rate))
		}
	}
	b.WriteString("\nWhy videos were shown (strong tastes, For you):\n\n| reason | share | hit rate |\n|---|---:|---:|\n")
	names := []string{"", "fresh", "hot", "followed", "co-liked", "tag", "explore"}
	for r := recommend.ReasonFresh; r <= recommend.ReasonExplore; r++ {
		fmt.Fprintf(&b, "| %s | %.0f %% | %.3f |\n",
			names[r], 100*share(reasons.reasons[r], reasons.shown), share(reasons.hitsOf[r], reasons.reasons[r]))
	}
	for i, k := range kinds() {
		var bars []string
		for _, by := range policies {
			bars = append(bars, rates[by][i])
		}
		fmt.Fprintf(&b, "\n```mermaid\nxychart-beta horizontal\n  title \"%s: share of shown videos that are finished or liked\"\n"+
			"  x-axis [\"%s\", \"%s\", \"%s\", \"%s\"]\n  y-axis \"hit rate\" 0 --> 1\n  bar [%s]\n```\n",
			k.name, chronological, popular, forYou, oracle, strings.Join(bars, ", "))
	}
	return b.String()
}

// spread is the mean, the least and the greatest of what f says of scores.
func spread(all []score, f func(score) float64) (mean, least, most float64) {
	least = math.Inf(1)
	for _, s := range all {
		x := f(s)
		mean, least, most = mean+x/float64(len(all)), min(least, x), max(most, x)
	}
	return mean, least, most
}
