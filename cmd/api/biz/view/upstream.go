package view

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sony/gobreaker/v2"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
)

const (
	// optionalTimeout bounds the calls for optional parts: counters and flags. An answer without them is better than none.
	optionalTimeout = 900 * time.Millisecond
	// optionalCallTimeout ends a call a little before requests go on without it: then the circuit breaker knows already.
	optionalCallTimeout = optionalTimeout - callMargin
	// viewerTimeout is optionalTimeout for what a viewer did: their own likes and follows are shown as none only when it cannot be helped.
	// It covers the time in which a store's replica takes over.
	viewerTimeout = 2500 * time.Millisecond
	// callMargin is how much earlier than the requests that wait for it a call ends.
	callMargin = 50 * time.Millisecond
	// breakerPause is how long a service that has timed out is not called. Then one call probes it.
	breakerPause = 300 * time.Millisecond
	// maxInFlight is how many calls of a kind are in flight at a time. Under load many requests share one call.
	maxInFlight = 4
)

// errTimedOut means that a service has not answered in time, and opens its circuit breaker.
var errTimedOut = errors.New("no answer in time")

// optionalCall is a coalesced call for an optional part, behind a circuit breaker: requests wait once for a service that hangs.
// From then on they go without it, and a probe now and then, for which no request waits, closes the breaker when the service
// answers again.
type optionalCall[Q, A any] struct {
	calls   *coalesce.Coalescer[Q, A]
	breaker *gobreaker.CircuitBreaker[[]A]
}

// pendingPart is an optional part whose answer is not there yet. With err it was not asked for.
type pendingPart[A any] struct {
	pending coalesce.Pending[A]
	err     error
}

// newOptionalCall coalesces call, which answers each query at its index, for at most timeout. size is that of a query, of at most most in
// a call.
func newOptionalCall[Q, A any](
	timeout time.Duration, most int, size func(Q) int, call func(ctx context.Context, queries []Q) ([]A, error),
) optionalCall[Q, A] {
	breaker := gobreaker.NewCircuitBreaker[[]A](gobreaker.Settings{
		Timeout:      breakerPause,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures > 0 },
		IsSuccessful: func(err error) bool { return !errors.Is(err, errTimedOut) },
	})
	guarded := func(ctx context.Context, queries []Q) ([]A, error) {
		return breaker.Execute(func() ([]A, error) {
			began := time.Now()
			answers, err := call(ctx, queries)
			// One that took far longer than it may was stopped together with this process, and says nothing about the service.
			if err != nil && timedOut(ctx) && time.Since(began) < timeout+optionalTimeout {
				err = fmt.Errorf("%w: %w", errTimedOut, err)
			}
			return answers, err
		})
	}
	return optionalCall[Q, A]{breaker: breaker, calls: coalesce.New(maxInFlight, most, size, guarded, coalesce.Timeout(timeout))}
}

// newOptionalPart is newOptionalCall for a batch call.
func newOptionalPart[Q, A any](size func(Q) int, call func(ctx context.Context, queries []Q) ([]A, error)) optionalCall[Q, A] {
	return newOptionalCall(optionalCallTimeout, common.MAX_BATCH, size, call)
}

// newViewerPart is newOptionalPart for a call that also brings what viewers did.
func newViewerPart[Q, A any](size func(Q) int, call func(ctx context.Context, queries []Q) ([]A, error)) optionalCall[Q, A] {
	return newOptionalCall(viewerTimeout-callMargin, common.MAX_BATCH, size, call)
}

// start asks for a part. While the breaker is not closed it fails at once, and starts the probe if it is time for one.
func (o optionalCall[Q, A]) start(ctx context.Context, q Q) pendingPart[A] {
	return o.startOrProbe(ctx, q, q)
}

// startOrProbe is start with another query for the probe, whose answer nobody gets.
func (o optionalCall[Q, A]) startOrProbe(ctx context.Context, q, probe Q) pendingPart[A] {
	switch o.breaker.State() {
	case gobreaker.StateClosed:
		return pendingPart[A]{pending: o.calls.Start(ctx, q)}
	case gobreaker.StateHalfOpen:
		if o.breaker.Counts().Requests == 0 {
			o.calls.Start(ctx, probe)
		}
	case gobreaker.StateOpen:
	}
	return pendingPart[A]{err: gobreaker.ErrOpenState}
}

func (p pendingPart[A]) wait(ctx context.Context) (a A, err error) {
	if p.err != nil {
		return a, p.err
	}
	return p.pending.Wait(ctx)
}

// timedOut reports that a call has failed because of its deadline. The RPC client may notice that a little before ctx does.
func timedOut(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < optionalTimeout/10
}

// usersQuery asks for accounts, some of which are those of viewers: they see their own edits at once.
type usersQuery struct{ users, viewers []int64 }

// usersCall loads accounts.
type usersCall = coalesce.Coalescer[usersQuery, map[int64]*user.User]

func loadUsers(c rpc.Clients) *usersCall {
	size := func(q usersQuery) int { return len(q.users) }
	return coalesce.New(maxInFlight, common.MAX_BATCH, size, func(ctx context.Context, queries []usersQuery) ([]map[int64]*user.User, error) {
		users, viewers := make([][]int64, len(queries)), make([][]int64, len(queries))
		for i, q := range queries {
			users[i], viewers[i] = q.users, q.viewers
		}
		r, err := c.User.MGetUsers(ctx, &user.MGetUsersRequest{UserIds: coalesce.Union(users), ViewerIds: coalesce.Union(viewers)})
		if err != nil {
			return nil, err
		}
		return slices.Repeat([]map[int64]*user.User{r.Users}, len(queries)), nil
	})
}

func loadVideos(c rpc.Clients) *coalesce.Coalescer[[]int64, map[int64]*video.Video] {
	return coalesce.NewByID(maxInFlight, common.MAX_BATCH, func(ctx context.Context, ids []int64) (map[int64]*video.Video, error) {
		r, err := c.Video.MGetVideos(ctx, &video.MGetVideosRequest{VideoIds: ids})
		if err != nil {
			return nil, err
		}
		return r.Videos, nil
	})
}

func loadVideoCounts(c rpc.Clients) optionalCall[[]int64, map[int64]int64] {
	size := func(ids []int64) int { return len(ids) }
	return newOptionalPart(size, func(ctx context.Context, queries [][]int64) ([]map[int64]int64, error) {
		r, err := c.Video.MCountByAuthor(ctx, &video.MCountByAuthorRequest{AuthorIds: coalesce.Union(queries)})
		if err != nil {
			return nil, err
		}
		return slices.Repeat([]map[int64]int64{r.WorkCounts}, len(queries)), nil
	})
}

// relationsQuery asks for the counters of users, and which of them each viewer follows.
type relationsQuery struct{ users, viewers []int64 }

// relations are the counters of all queries of a call, and a state for each viewer of the query.
type relations struct {
	counters map[int64]*social.Relation
	viewers  []*social.ViewerState
}

func loadRelations(c rpc.Clients) optionalCall[relationsQuery, relations] {
	size := func(q relationsQuery) int { return querySize(len(q.users), len(q.users)*len(q.viewers)) }
	return newViewerPart(size, func(ctx context.Context, queries []relationsQuery) ([]relations, error) {
		users, req := make([][]int64, len(queries)), &social.MGetRelationsRequest{}
		for i, q := range queries {
			users[i] = q.users
			for _, viewer := range q.viewers {
				req.ViewerQueries = append(req.ViewerQueries, &social.ViewerQuery{ViewerId: viewer, UserIds: q.users})
			}
		}
		req.UserIds = coalesce.Union(users)
		r, err := c.Social.MGetRelations(ctx, req)
		if err != nil {
			return nil, err
		}
		answers, states := make([]relations, len(queries)), r.ViewerStates
		for i, q := range queries {
			n := min(len(q.viewers), len(states))
			answers[i], states = relations{r.Relations, states[:n]}, states[n:]
		}
		return answers, nil
	})
}

// statsQuery asks for the counters of videos and users, and for the state of each viewer.
type statsQuery struct{ videos, users, viewers []int64 }

// stats are the counters of all queries of a call, and a state for each viewer of the query. Both are of one call, because only
// then an accepted write of a viewer is either in their state or in the counters.
type stats struct {
	videos  map[int64]*interaction.VideoStats
	users   map[int64]*interaction.UserStats
	viewers []*interaction.ViewerState
}

func loadStats(c rpc.Clients) optionalCall[statsQuery, stats] {
	size := func(q statsQuery) int {
		return querySize(max(len(q.videos), len(q.users)), (len(q.videos)+len(q.users))*len(q.viewers))
	}
	return newViewerPart(size, func(ctx context.Context, queries []statsQuery) ([]stats, error) {
		videos, users := make([][]int64, len(queries)), make([][]int64, len(queries))
		req := &interaction.MGetStatsRequest{}
		for i, q := range queries {
			videos[i], users[i] = q.videos, q.users
			for _, viewer := range q.viewers {
				req.ViewerQueries = append(req.ViewerQueries, &interaction.ViewerQuery{ViewerId: viewer, VideoIds: q.videos, UserIds: q.users})
			}
		}
		req.VideoIds, req.UserIds = coalesce.Union(videos), coalesce.Union(users)
		r, err := c.Interaction.MGetStats(ctx, req)
		if err != nil {
			return nil, err
		}
		answers, states := make([]stats, len(queries)), r.ViewerStates
		for i, q := range queries {
			n := min(len(q.viewers), len(states))
			answers[i], states = stats{r.Videos, r.Users, states[:n]}, states[n:]
		}
		return answers, nil
	})
}

// querySize is the size of a query in a call that takes MAX_BATCH counters, as many viewer queries, and MAX_VIEWER_IDS ids in these.
func querySize(counters, viewerIDs int) int {
	const share = interaction.MAX_VIEWER_IDS / common.MAX_BATCH
	return max(1, counters, (viewerIDs+share-1)/share)
}
