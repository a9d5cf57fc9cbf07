package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/follow"
	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/bleveindex"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/discovery"
	"tiktok/pkg/errno"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// searching is a service with a catalogue and an index of it.
type searching struct {
	*testing.T
	*Service
	store *db.Store
}

func eachSearching(t *testing.T, fn func(s searching)) {
	sqldbtest.Each(t, "discovery", db.Migrations(), func(t *testing.T, d *sqldb.DB) {
		e, err := bleveindex.Open(bleveindex.Config{Dir: t.TempDir()}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
		store := db.New(d)
		fn(searching{t, New(Deps{Store: store, Tel: telemetry.Discard(), Engine: e}), store})
	})
}

func (s searching) add(rows ...any) {
	s.Helper()
	err := s.store.Tx(s.Context(), func(tx *gorm.DB) error {
		for _, r := range rows {
			if err := tx.CreateInBatches(r, 500).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	if _, err := follow.Rebuild(s.Context(), s.store, s.searches.engine, func(int64, int64) error { return nil }); err != nil {
		s.Fatal(err)
	}
}

func (s searching) search(req *discovery.SearchRequest) *discovery.SearchResponse {
	s.Helper()
	resp, err := s.Search(s.Context(), req)
	if err != nil {
		s.Fatal(err)
	}
	return resp
}

func TestSearch(t *testing.T) {
	eachSearching(t, func(s searching) {
		s.add(
			[]db.User{{ID: 1, Name: "ann", ShownName: "Ann the 猫"}, {ID: 2, Name: "bob"}, {ID: 3, Name: "annie", GoneMs: 1}},
			[]db.Video{
				{ID: 10, AuthorID: 1, Title: "我家的小猫 cat", Tags: "pets", PublishedMs: 1},
				{ID: 11, AuthorID: 2, Title: "Cats", PublishedMs: 2},
				{ID: 12, AuthorID: 2, Title: "gone cat", PublishedMs: 3},
			},
			[]db.Tag{{Tag: "pets", Videos: 4}, {Tag: "petshop", Videos: 9}},
		)
		if err := s.store.Write.Exec("UPDATE videos SET gone_ms = 1 WHERE id = 12").Error; err != nil { // the index lags
			t.Fatal(err)
		}
		for _, c := range []struct {
			kind discovery.SearchKind
			text string
			want string
		}{
			{discovery.SearchKind_VIDEOS, "cat", "10[{6 3}]"},
			{discovery.SearchKind_VIDEOS, " 小猫 ", "10[{3 2}]"},
			{discovery.SearchKind_VIDEOS, "pets", "10[]"},
			{discovery.SearchKind_VIDEOS, "cars", "11[{0 4}]"},
			{discovery.SearchKind_VIDEOS, "dog", ""},
			{discovery.SearchKind_USERS, "ann", "1[{0 3}][{0 3}]"},
			{discovery.SearchKind_USERS, "猫", "1[][{8 1}]"},
			{discovery.SearchKind_TAGS, "pet", "petshop=9[] pets=4[]"},
			{discovery.SearchKind_TAGS, "#Pets", "pets=4[{0 4}] petshop=9[]"},
		} {
			var got []string
			for _, h := range s.search(&discovery.SearchRequest{Kind: c.kind, Text: c.text}).Hits {
				text := fmt.Sprint(h.Id)
				if h.Tag != "" {
					text = fmt.Sprintf("%s=%d", h.Tag, h.VideoCount)
				}
				text += spanText(h.Spans)
				if c.kind == discovery.SearchKind_USERS {
					text += spanText(h.ShownNameSpans)
				}
				got = append(got, text)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%v %q: %q, want %q", c.kind, c.text, got, c.want)
			}
		}
		for name, req := range map[string]*discovery.SearchRequest{
			"blank":  {Kind: discovery.SearchKind_VIDEOS, Text: " \u3000"},
			"long":   {Kind: discovery.SearchKind_VIDEOS, Text: strings.Repeat("猫", 101)},
			"kind":   {Kind: 4, Text: "cat"},
			"cursor": {Kind: discovery.SearchKind_VIDEOS, Text: "cat", Page: &common.Page{Cursor: "x"}},
			"limit":  {Kind: discovery.SearchKind_VIDEOS, Text: "cat", Page: &common.Page{Limit: 101}},
		} {
			if _, err := s.Search(t.Context(), req); !errors.Is(err, errno.InvalidArgument) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func spanText(all []*discovery.Span) string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = fmt.Sprintf("{%d %d}", a.Start, a.Length)
	}
	return "[" + strings.Join(out, " ") + "]"
}

// Pages are filled up when hits are left out, and have each hit once.
func TestSearchPages(t *testing.T) {
	eachSearching(t, func(s searching) {
		var videos []db.Video
		for i := range int64(250) {
			videos = append(videos, db.Video{ID: i + 1, AuthorID: 1, Title: "cat", PublishedMs: i * 1000})
		}
		s.add(videos)
		if err := s.store.Write.Exec("UPDATE videos SET gone_ms = 1 WHERE id % 3 = 0").Error; err != nil {
			t.Fatal(err)
		}
		var got []int64
		page := &common.Page{Limit: 20}
		for {
			resp := s.search(&discovery.SearchRequest{Kind: discovery.SearchKind_VIDEOS, Text: "cat", Page: page})
			if len(resp.Hits) < 20 && resp.NextCursor != "" {
				t.Errorf("%d hits, and it goes on", len(resp.Hits))
			}
			for _, h := range resp.Hits {
				got = append(got, h.Id)
			}
			if resp.NextCursor == "" {
				break
			}
			page.Cursor = resp.NextCursor
		}
		var want []int64
		for id := int64(250); id > 0; id-- {
			if id%3 != 0 {
				want = append(want, id)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d hits: %v", len(got), got)
		}
	})
}

func TestSuggest(t *testing.T) {
	eachSearching(t, func(s searching) {
		s.add(
			[]db.User{{ID: 1, Name: "cathy", ShownName: "K"}, {ID: 2, Name: "bob", ShownName: "The Cat"}},
			[]db.Video{
				{ID: 10, Title: "Catalogue of dreams", PublishedMs: 1},
				{ID: 11, Title: "my cat", PublishedMs: 2},
				{ID: 12, Title: "MY CAT", PublishedMs: 3},
				{ID: 13, Title: "小猫", PublishedMs: 3},
			},
			[]db.Tag{{Tag: "cats", Videos: 4}, {Tag: "category", Videos: 1}, {Tag: "猫", Videos: 1}},
		)
		for _, c := range []struct {
			text  string
			limit int32
			want  string
		}{
			{"ca", 0, "TAGS cats, TAGS category, USERS cathy 1, USERS bob 2, VIDEOS MY CAT, VIDEOS Catalogue of dreams"},
			{"ca", 4, "TAGS cats, TAGS category, USERS cathy 1, VIDEOS MY CAT"},
			{"#ca", 0, "TAGS cats, TAGS category"},
			{"@ca", 0, "USERS cathy 1, USERS bob 2"},
			{"my c", 0, "VIDEOS MY CAT"},
			{"猫", 0, "TAGS 猫, VIDEOS 小猫"},
			{"*", 0, ""},
		} {
			resp, err := s.Suggest(t.Context(), &discovery.SuggestRequest{Text: c.text, Limit: c.limit})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range resp.Suggestions {
				text := fmt.Sprint(x.Kind, " ", x.Text)
				if x.UserId != 0 {
					text += fmt.Sprint(" ", x.UserId)
				}
				got = append(got, text)
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%q: %q, want %q", c.text, got, c.want)
			}
		}
		if _, err := s.Suggest(t.Context(), &discovery.SuggestRequest{Text: "a", Limit: 21}); !errors.Is(err, errno.InvalidArgument) {
			t.Error(err)
		}
	})
}

// slow is an engine that answers when it is told to.
type slow struct {
	index.Engine
	began chan struct{}
	go_   chan error
}

func (s *slow) Search(ctx context.Context, _ index.Query) ([]index.Hit, error) {
	s.began <- struct{}{}
	select {
	case err := <-s.go_:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Searching has slots; who waits too long, and whoever asks without an index, is told that search is not available.
func TestSearchUnavailable(t *testing.T) {
	req := &discovery.SearchRequest{Kind: discovery.SearchKind_VIDEOS, Text: "cat"}
	without := New(Deps{Tel: telemetry.Discard()})
	if _, err := without.Search(t.Context(), req); !errors.Is(err, errno.SearchUnavailable) {
		t.Error(err)
	}
	e := &slow{began: make(chan struct{}, 100), go_: make(chan error)}
	s := New(Deps{Tel: telemetry.Discard(), Engine: e})
	answers := make(chan error)
	ask := func() {
		go func() {
			_, err := s.Search(t.Context(), req)
			answers <- err
		}()
		<-e.began
	}
	for _, err := range []error{index.ErrNoIndex, index.ErrUnavailable, fmt.Errorf("wrapped: %w", index.ErrNoIndex)} {
		ask()
		e.go_ <- err
		if err := <-answers; !errors.Is(err, errno.SearchUnavailable) {
			t.Error(err)
		}
	}
	ask() // the engine does not answer within the bound
	if err := <-answers; !errors.Is(err, errno.SearchUnavailable) {
		t.Error(err)
	}
	slots := 0
	for s.searches.slots.Waiting() == 0 { // until one more would wait
		go func() {
			_, err := s.Search(t.Context(), req)
			answers <- err
		}()
		select {
		case <-e.began:
			slots++
		case err := <-answers:
			t.Fatal(err)
		case <-t.Context().Done():
			t.Fatal("it waits")
		}
		if all, _ := s.searches.slots.Ahead(7); all > 0 {
			break
		}
	}
	if slots < 2 {
		t.Errorf("%d searches at once", slots)
	}
	for range slots {
		e.go_ <- nil
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}
