package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tiktok/test/dataset"
	"tiktok/test/harness"
)

const (
	// found is the measurement of how soon what was published can be searched for.
	found = "found"
	// publications are how many are published for it, one after the other, lookEvery apart the looks for one.
	publications, lookEvery = 30, 20 * time.Millisecond
	// readTimeout bounds the wait until discovery has read everything: a million videos take minutes.
	readTimeout = 30 * time.Minute
)

// ofPerson is what each user in a list of /api/v1 has once.
const ofPerson = `"following_count":`

// bearer logs the sender of the n-th request in at /api/v1.
func bearer(d *dataset.Set, n uint64) string {
	return "Authorization: Bearer " + d.User(n).Token + "\r\n"
}

// searches ask for what many and what few titles have, in two scripts, misspelt, and half typed.
func searches() []scenario {
	search := func(name, about, path, mark string, entries int, texts func(s *dataset.Searches) []string) scenario {
		return scenario{
			name: name, about: about, conns: readers, v1: true, mark: mark, entries: entries, atLeast: entries == 1, header: bearer,
			target: func(b []byte, d *dataset.Set, n uint64) []byte {
				all := texts(&d.Searches)
				return append(append(b, path...), url.QueryEscape(all[n%uint64(len(all))])...)
			},
		}
	}
	const videos = "GET /api/v1/search/videos?q="
	all := []scenario{
		search("search-word", "videos by a word that many titles have", videos, ofVideo, 1,
			func(s *dataset.Searches) []string { return s.Words }),
		search("search-words", "videos by two words", videos, "", 0, func(s *dataset.Searches) []string { return s.Pairs }),
		search("search-name", "videos by a word that few titles have", videos, ofVideo, 1,
			func(s *dataset.Searches) []string { return s.Names }),
		search("search-typo", "the same with a wrong letter", videos, ofVideo, 1, func(s *dataset.Searches) []string { return s.Typos }),
		search("search-han", "videos by a Chinese word", videos, ofVideo, 1, func(s *dataset.Searches) []string { return s.Han }),
		search("search-character", "videos by one Chinese character", videos, ofVideo, 1,
			func(s *dataset.Searches) []string { return s.Characters }),
		search("search-users", "users by their names", "GET /api/v1/search/users?q=bench_", ofPerson, 1,
			func(*dataset.Searches) []string { return []string{"1", "12", "123", "77", "4"} }),
		search("suggest", "suggestions while somebody types", "GET /api/v1/search/suggestions?q=", "", 0,
			func(s *dataset.Searches) []string { return s.Begun }),
	}
	mix := scenario{
		name: "search", conns: readers,
		about: "a third of what is typed suggests; words, two words, Chinese ones, names, characters, users, misspelt names",
	}
	for i, weight := range []uint64{3, 2, 2, 1, 2, 1, 1, 6} {
		mix.parts = append(mix.parts, part{all[i], weight})
	}
	return append([]scenario{mix}, all...)
}

const (
	// scrolling viewers are at it at the same time, each through pagesEach pages, and again.
	scrolling, pagesEach = 1000, 5
)

// choices are feeds that are chosen for the viewer, each of whom has likes, follows and a history. Pages without discovery do not count.
func choices() []scenario {
	feed := func(name, about, path string) scenario {
		return scenario{
			name: name, about: about, conns: readers, v1: true, mark: ofVideo, entries: 1, atLeast: true, scrolls: pagesEach,
			without: `"kind":"newest"`, header: func(d *dataset.Set, n uint64) string { return bearer(d, n%scrolling) },
			target: func(b []byte, _ *dataset.Set, _ uint64) []byte { return append(b, "GET /api/v1/feeds/"+path...) },
		}
	}
	cold := feed("for-you-new", "the first page of 30 of a viewer of whom nothing is cached, one viewer after the other", "for-you")
	cold.scrolls, cold.entries, cold.header = 0, dataset.FeedSize, bearer
	return []scenario{
		feed("for-you", "1,000 viewers scroll through pages of 30 videos that are chosen for them", "for-you"),
		cold,
		feed("feed-following", "1,000 viewers scroll through videos of those whom they follow", "following"),
		feed("feed-hot", "1,000 viewers scroll through pages of 30 videos that everybody likes of late", "hot"),
	}
}

// hits asks /api/v1 for videos by a text, as a visitor, and returns what comes back.
func (s *session) hits(ctx context.Context, text string) (status int, ids []int64, err error) {
	query := url.Values{"q": {text}, "limit": {"1"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.d.URL()+"/api/v1/search/videos?"+query.Encode(), nil)
	if err != nil {
		return 0, nil, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	var page struct {
		Items []struct {
			Video struct {
				ID int64 `json:"id"`
			} `json:"video"`
		} `json:"items"`
	}
	if answer.StatusCode == http.StatusOK {
		err = json.NewDecoder(answer.Body).Decode(&page)
	}
	for _, i := range page.Items {
		ids = append(ids, i.Video.ID)
	}
	return answer.StatusCode, ids, err
}

// catchUp waits until discovery has read what was loaded past the API and can find it. A build of before there was such a service has
// nothing to wait for.
func (s *session) catchUp() {
	began := time.Now()
	newest := s.gen.data.Searches.Names[0]
	if status, _, err := s.hits(s.t.Context(), newest); err != nil || status == http.StatusNotFound {
		check(s.t, err)
		return
	}
	harness.Eventually(s.t, readTimeout, func() error {
		if filled, _ := harness.Added(nil, s.d.Counter(s.t, "tiktok_discovery_filled")); filled == 0 {
			return fmt.Errorf("its catalogue is not filled: %v rows", s.d.Counter(s.t, "tiktok_discovery_backfill_rows_total"))
		}
		return nil
	})
	read := time.Since(began)
	harness.Eventually(s.t, readTimeout, func() error {
		lag := s.d.Counter(s.t, "tiktok_discovery_index_lag_changes")
		present, _ := harness.Added(nil, s.d.Counter(s.t, "tiktok_discovery_index_present"))
		behind, _ := harness.Added(nil, lag)
		if len(lag) == 0 || present == 0 || behind > 0 {
			return fmt.Errorf("the index is there: %v, and lacks %.0f changes", present > 0, behind)
		}
		return nil
	})
	indexed := time.Since(began)
	var docs float64
	harness.Eventually(s.t, time.Minute, func() error { // it is counted now and then
		if docs, _ = harness.Added(nil, s.d.Counter(s.t, "tiktok_discovery_index_docs")); docs == 0 {
			return errors.New("the documents of the index are not counted")
		}
		return nil
	})
	bytes, _ := harness.Added(nil, s.d.Counter(s.t, "tiktok_discovery_index_bytes"))
	fmt.Printf("\ndiscovery has read everything after %.1f s, and can find it %.1f s later: %.0f documents, %.0f MB on disk\n",
		read.Seconds(), (indexed - read).Seconds(), docs, bytes/mb)
}

// found measures how soon what was published can be searched for.
func (s *session) found() {
	r := result{scenario: found, about: "from the answer to an upload until a search finds it", deployment: s.name, plan: plan{conns: 1}}
	r.tally = newTally()
	author, moment := s.d.NewUser(s.t), strconv.FormatInt(time.Now().UnixMilli(), 36)
	first := s.sample(0)
	for i := range publications {
		title := fmt.Sprintf("found%s%02d", moment, i)
		v := author.Publish(s.t, title)
		published := time.Now()
		for {
			status, ids, err := s.hits(s.t.Context(), title)
			check(s.t, err)
			if status == http.StatusOK && len(ids) == 1 && ids[0] == v.ID {
				break
			}
			if time.Since(published) > time.Minute {
				s.t.Fatalf("%q is not found after a minute: HTTP %d, %v", title, status, ids)
			}
			harness.Until(s.t.Context(), time.Now().Add(lookEvery))
		}
		r.count[accepted]++
		r.record(time.Since(published))
	}
	r.between(first, s.sample(publications))
	s.keep(r)
	s.audit()
}
