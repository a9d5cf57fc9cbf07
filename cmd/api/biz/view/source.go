package view

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
	"tiktok/pkg/kv"
)

const (
	// decorTimeout bounds the calls that only decorate: counters and flags. A page without them is better than none.
	decorTimeout = 900 * time.Millisecond
	// pause is how long a service that did not answer in time is not asked again. Then a call finds out how it is.
	pause = 300 * time.Millisecond
	// flights is how many calls of a kind are under way at a time. Requests that come meanwhile go together: in a storm many
	// pages cost one call.
	flights = 4
)

// errPaused means that a service was not asked, because it has just not answered in time.
var errPaused = errors.New("it has just not answered in time")

// source is a call that only decorates. A service that does not answer in time is waited for once: from then on it is only
// asked now and then, and nobody waits for it until it has answered.
type source[Q, A any] struct {
	joiner *coalesce.Coalescer[Q, A]
	health *health
}

type health struct {
	mu      sync.Mutex
	late    bool // the last call did not end in time
	until   time.Time
	probing bool
}

func newSource[Q, A any](most int, size func(Q) int, call func(ctx context.Context, questions []Q) ([]A, error)) source[Q, A] {
	h := &health{}
	return source[Q, A]{health: h, joiner: coalesce.New(flights, most, size, func(ctx context.Context, questions []Q) ([]A, error) {
		answers, err := call(ctx, questions)
		h.done(err != nil && over(ctx))
		return answers, err
	})}
}

// ask starts a question, or fails with errPaused. The end of ctx is when the service must have answered.
func (s source[Q, A]) ask(ctx context.Context, q Q) (coalesce.Pending[A], error) {
	wait, probe := s.health.check()
	if wait {
		return s.joiner.Start(ctx, q), nil
	}
	if probe {
		probeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decorTimeout)
		ticket := s.joiner.Start(probeCtx, q)
		go func() {
			defer cancel()
			_, _ = ticket.Wait(probeCtx) // what it finds out is in health
		}()
	}
	return coalesce.Pending[A]{}, errPaused
}

// over reports that the time of a call has ended. The client may have noticed a little before ctx does.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < decorTimeout/10
}

// check says whether to wait for the service, and if not, whether to find out how it is.
func (h *health) check() (wait, probe bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.late {
		return true, false
	}
	if h.probing || time.Now().Before(h.until) {
		return false, false
	}
	h.probing = true
	return false, true
}

func (h *health) done(late bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.late, h.probing = late, false
	if late {
		h.until = time.Now().Add(pause)
	}
}

// heldCard is how long a gateway may show a user's old card, and the user service another second. One that is new is found
// at once.
const heldCard = time.Second

func cardsOf(c rpc.Clients, held kv.Store, log *slog.Logger, reg prometheus.Registerer) *coalesce.Coalescer[[]int64, map[int64]*user.User] {
	load := func(ctx context.Context, ids []int64) (map[int64]*user.User, error) {
		r, err := c.User.MGetUsers(ctx, &user.MGetUsersRequest{UserIds: ids})
		if err != nil {
			return nil, err
		}
		return r.Users, nil
	}
	if held == nil {
		return coalesce.NewByID(flights, common.MAX_BATCH, load)
	}
	cards := kv.NewLoadingCache(held, kv.Options[int64, *user.User]{
		Kind: "gateway_cards", TTL: heldCard, NegativeTTL: -1, Size: cardSize, Log: log, Metrics: reg,
	}, load)
	return coalesce.NewByID(flights, common.MAX_BATCH, cards.GetMulti)
}

func cardSize(u *user.User) int {
	return int(unsafe.Sizeof(*u)) + len(u.Name) + len(u.AvatarKey) + len(u.BackgroundKey) + len(u.Signature)
}

func videosOf(c rpc.Clients) coalesce.Load[*video.Video] {
	return coalesce.Loader(flights, common.MAX_BATCH, func(ctx context.Context, ids []int64) (map[int64]*video.Video, error) {
		r, err := c.Video.MGetVideos(ctx, &video.MGetVideosRequest{VideoIds: ids})
		if err != nil {
			return nil, err
		}
		return r.Videos, nil
	})
}

func worksOf(c rpc.Clients) source[[]int64, map[int64]int64] {
	size := func(ids []int64) int { return len(ids) }
	return newSource(common.MAX_BATCH, size, func(ctx context.Context, asked [][]int64) ([]map[int64]int64, error) {
		r, err := c.Video.MCountByAuthor(ctx, &video.MCountByAuthorRequest{AuthorIds: coalesce.Union(asked)})
		if err != nil {
			return nil, err
		}
		answers := make([]map[int64]int64, len(asked))
		for i := range answers {
			answers[i] = r.WorkCounts
		}
		return answers, nil
	})
}

// relationsAsk asks for the counters of users, and whom of them each viewer follows.
type relationsAsk struct{ users, viewers []int64 }

// relations are the counters, shared by all who asked at the same time, and an entry for each viewer.
type relations struct {
	counters map[int64]*social.Relation
	seen     []*social.ViewerState
}

func relationsOf(c rpc.Clients) source[relationsAsk, relations] {
	size := func(a relationsAsk) int { return bounded(len(a.users), len(a.users)*len(a.viewers)) }
	return newSource(common.MAX_BATCH, size, func(ctx context.Context, asked []relationsAsk) ([]relations, error) {
		users, req := make([][]int64, len(asked)), &social.MGetRelationsRequest{}
		for i, a := range asked {
			users[i] = a.users
			for _, viewer := range a.viewers {
				req.ViewerQueries = append(req.ViewerQueries, &social.ViewerQuery{ViewerId: viewer, UserIds: a.users})
			}
		}
		req.UserIds = coalesce.Union(users)
		r, err := c.Social.MGetRelations(ctx, req)
		if err != nil {
			return nil, err
		}
		answers, seen := make([]relations, len(asked)), r.ViewerStates
		for i, a := range asked {
			n := min(len(a.viewers), len(seen))
			answers[i], seen = relations{r.Relations, seen[:n]}, seen[n:]
		}
		return answers, nil
	})
}

// statsAsk asks for the counters of videos and users, and what each viewer sees otherwise.
type statsAsk struct{ videos, users, viewers []int64 }

// stats are the counters, shared by all who asked at the same time, and an entry for each viewer. Both are of one call,
// because only so a viewer's accepted writes are either in what he sees otherwise, or in what everybody sees.
type stats struct {
	videos map[int64]*interaction.VideoStats
	users  map[int64]*interaction.UserStats
	seen   []*interaction.ViewerState
}

func statsOf(c rpc.Clients) source[statsAsk, stats] {
	size := func(a statsAsk) int {
		return bounded(max(len(a.videos), len(a.users)), (len(a.videos)+len(a.users))*len(a.viewers))
	}
	return newSource(common.MAX_BATCH, size, func(ctx context.Context, asked []statsAsk) ([]stats, error) {
		videos, users := make([][]int64, len(asked)), make([][]int64, len(asked))
		req := &interaction.MGetStatsRequest{}
		for i, a := range asked {
			videos[i], users[i] = a.videos, a.users
			for _, viewer := range a.viewers {
				req.ViewerQueries = append(req.ViewerQueries, &interaction.ViewerQuery{ViewerId: viewer, VideoIds: a.videos, UserIds: a.users})
			}
		}
		req.VideoIds, req.UserIds = coalesce.Union(videos), coalesce.Union(users)
		r, err := c.Interaction.MGetStats(ctx, req)
		if err != nil {
			return nil, err
		}
		answers, seen := make([]stats, len(asked)), r.ViewerStates
		for i, a := range asked {
			n := min(len(a.viewers), len(seen))
			answers[i], seen = stats{r.Videos, r.Users, seen[:n]}, seen[n:]
		}
		return answers, nil
	})
}

// bounded is the size of a question in a call that takes MAX_BATCH counters, as many looks, and MAX_VIEWER_IDS ids in them.
func bounded(counters, look int) int {
	const share = interaction.MAX_VIEWER_IDS / common.MAX_BATCH
	return max(1, counters, (look+share-1)/share)
}
