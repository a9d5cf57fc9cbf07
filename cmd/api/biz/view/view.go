// Package view composes what the client sees from batch calls to the services. The number of calls never depends on how
// many things are shown: four calls bring any number of users, or of videos with their authors. Requests that come at the
// same time share their calls.
package view

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
	"tiktok/pkg/kv"
)

// View composes. Make one with New and share it.
type View struct {
	clients   rpc.Clients
	cards     *coalesce.Coalescer[[]int64, map[int64]*user.User]
	videos    coalesce.Load[*video.Video]
	works     source[[]int64, map[int64]int64]
	relations source[relationsAsk, relations]
	stats     source[statsAsk, stats]
	newest    *coalesce.Coalescer[newestAsk, newest]
	zone      *time.Location
	feedSize  int32
	log       *slog.Logger
	degraded  *prometheus.CounterVec
}

// New makes a View; zone is that of a comment's date, feedSize the number of videos of a feed page. cards is where users'
// cards are held for a moment, nil for nowhere.
func New(clients rpc.Clients, cards kv.Store, zone *time.Location, feedSize int32, log *slog.Logger, reg prometheus.Registerer) *View {
	v := &View{clients: clients, zone: zone, feedSize: feedSize, log: log, degraded: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_http_degraded_total", Help: "Answers that were sent with zeros because a decorating call failed, by what was missing.",
	}, []string{"missing"})}
	v.cards = cardsOf(clients, cards, log, reg)
	v.videos = videosOf(clients)
	v.works = worksOf(clients)
	v.relations = relationsOf(clients)
	v.stats = statsOf(clients)
	v.newest = coalesce.New(pageFlights, v.mostViewers(), func(newestAsk) int { return 1 }, v.buildNewest)
	reg.MustRegister(v.degraded)
	return v
}

// mostViewers is how many viewers a page of the feed can be asked for in one call: each looks at its videos and authors.
func (v *View) mostViewers() int {
	return min(common.MAX_BATCH, interaction.MAX_VIEWER_IDS/(2*int(max(v.feedSize, 1))))
}

// Scope is for whom a view is made and where its URLs lead.
type Scope struct {
	// Viewer is the user who looks, 0 for a visitor.
	Viewer int64
	// Base starts every URL.
	Base string
}

// missing notes that an answer is sent without something.
func (v *View) missing(ctx context.Context, what string, err error) {
	v.degraded.WithLabelValues(what).Inc()
	v.log.WarnContext(ctx, "answer is incomplete", "missing", what, "err", err)
}
