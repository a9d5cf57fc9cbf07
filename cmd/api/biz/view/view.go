// Package view composes what the client sees from batch calls to the services. The number of calls never depends on how
// many things are shown: four calls bring any number of users, five any number of videos with their authors.
package view

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/batch"
)

// decorTimeout bounds the calls that only decorate: counters and flags. A page without them is better than none.
const decorTimeout = 900 * time.Millisecond

// flights is how many calls for what everybody sees alike (cards, counts of works) are under way at a time. Requests that
// come meanwhile go together: in a storm many pages cost one call.
const flights = 4

// View composes. Make one with New and share it.
type View struct {
	clients  rpc.Clients
	cards    batch.Load[*user.User]
	works    batch.Load[int64]
	zone     *time.Location
	log      *slog.Logger
	degraded *prometheus.CounterVec
}

// New makes a View; zone is that of a comment's date.
func New(clients rpc.Clients, zone *time.Location, log *slog.Logger, reg prometheus.Registerer) *View {
	v := &View{clients: clients, zone: zone, log: log, degraded: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_http_degraded_total", Help: "Answers that were sent with zeros because a decorating call failed, by what was missing.",
	}, []string{"missing"})}
	v.cards = batch.Merge(flights, common.MAX_BATCH, func(ctx context.Context, ids []int64) (map[int64]*user.User, error) {
		r, err := clients.User.MGetUsers(ctx, &user.MGetUsersRequest{UserIds: ids})
		if err != nil {
			return nil, err
		}
		return r.Users, nil
	})
	v.works = batch.Merge(flights, common.MAX_BATCH, func(ctx context.Context, ids []int64) (map[int64]int64, error) {
		r, err := clients.Video.MCountByAuthor(ctx, &video.MCountByAuthorRequest{AuthorIds: ids})
		if err != nil {
			return nil, err
		}
		return r.WorkCounts, nil
	})
	reg.MustRegister(v.degraded)
	return v
}

// Scope is for whom a view is made and where its URLs lead.
type Scope struct {
	// Viewer is the user who looks, 0 for a visitor.
	Viewer int64
	// Base starts every URL.
	Base string
}

// decorate runs a call whose failure leaves zeros in the view.
func (v *View) decorate(ctx context.Context, missing string, call func(context.Context) error) {
	dctx, cancel := context.WithTimeout(ctx, decorTimeout)
	defer cancel()
	if err := call(dctx); err != nil && ctx.Err() == nil { // else the page has failed already
		v.missing(ctx, missing, err)
	}
}

// missing notes that an answer is sent without something.
func (v *View) missing(ctx context.Context, what string, err error) {
	v.degraded.WithLabelValues(what).Inc()
	v.log.WarnContext(ctx, "answer is incomplete", "missing", what, "err", err)
}
