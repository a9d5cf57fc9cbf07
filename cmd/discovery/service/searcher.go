package service

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tiktok/cmd/discovery/index"
	"tiktok/pkg/errno"
	"tiktok/pkg/fair"
	"tiktok/pkg/paging"
)

const (
	// searchTimeout bounds one search, with its wait for others.
	searchTimeout = 2 * time.Second
	// searchesWaiting bounds the searches that wait for a slot.
	searchesWaiting = 128
)

// searcher asks the index. It lets only some searches run at once, and gives the viewers turns, so that searching leaves room for the rest
// of the process, and who searches much leaves room for who searches little. It is safe for concurrent use.
type searcher struct {
	engine index.Engine // nil: this process has none
	slots  *fair.Queue[int64]
	took   *prometheus.HistogramVec
}

func newSearcher(e index.Engine, reg prometheus.Registerer) *searcher {
	return &searcher{
		engine: e,
		slots:  fair.New[int64](fair.Config{Slots: 2 * runtime.GOMAXPROCS(0), Waiting: searchesWaiting}),
		took: promauto.With(reg).NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tiktok_discovery_search_seconds",
			Help:    "Searches, with their wait for others, by kind (videos, users, tags, suggest) and result (some, none, failed).",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{"kind", "result"}),
	}
}

// turn calls fn when it is the viewer's turn, with a bound of time. Errors of fn become those of the service. fn tells whether it found
// anything.
func (s *searcher) turn(ctx context.Context, kind string, viewerID int64, fn func(ctx context.Context) (found bool, err error)) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	found, err := s.inTurn(ctx, viewerID, fn)
	result := "none"
	switch {
	case err != nil:
		result = "failed"
	case found:
		result = "some"
	}
	s.took.WithLabelValues(kind, result).Observe(time.Since(began).Seconds())
	return searchError(err)
}

func (s *searcher) inTurn(ctx context.Context, viewerID int64, fn func(ctx context.Context) (bool, error)) (bool, error) {
	if s.engine == nil {
		return false, index.ErrNoIndex
	}
	release, err := s.slots.Acquire(ctx, viewerID)
	if err != nil {
		return false, err
	}
	defer release()
	return fn(ctx)
}

// searchError is what a client is told of an error. What is not said better is left to the caller.
func searchError(err error) error {
	switch {
	case errors.Is(err, index.ErrBadQuery): // the text was checked before
		return paging.ErrCursor()
	case errors.Is(err, index.ErrNoIndex), errors.Is(err, index.ErrUnavailable), errors.Is(err, fair.ErrBusy),
		errors.Is(err, context.DeadlineExceeded):
		return errno.SearchUnavailable
	}
	return err
}

// searchText checks what somebody searches for.
func searchText(s string) (string, error) {
	s = strings.TrimSpace(s)
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return "", errno.InvalidArgument.With("there is nothing to search for")
	case n > index.MaxText:
		return "", errno.InvalidArgument.With("the text to search for is longer than 100 characters")
	}
	return s, nil
}
