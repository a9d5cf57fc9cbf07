// Package view composes what clients see from batch calls to the services: users and videos with their counters, and with
// what one viewer sees of them. It knows no URLs and no format of an API: package pack renders its results. The number of calls
// never depends on how many things are shown. Concurrent requests share calls.
package view

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/rpc"
	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/discovery"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/social"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/coalesce"
)

// Profile is a user as one viewer sees them. What it points to is shared: it must not be changed.
type Profile struct {
	// ID is their id, also of a user who does not exist.
	ID int64
	// User is the account, nil if there is none: it was deleted.
	User *user.User
	// Relation has the counters of follows, Stats those of likes. Nil means that they are not known.
	Relation *social.Relation
	Stats    *interaction.UserStats
	// VideoCount is how many videos the user has published.
	VideoCount int64
	// IsFollow says that the viewer follows the user.
	IsFollow bool
}

// Video is a video as one viewer sees it, with its author. What it points to is shared: it must not be changed.
type Video struct {
	*video.Video
	Author Profile
	// Stats are the counters, nil if they are not known.
	Stats *interaction.VideoStats
	// IsFavorite says that the viewer likes the video.
	IsFavorite bool
	// Mentions are the accounts that the title mentions, those that still exist.
	Mentions []*user.User
	// Views is how often it was watched, 0 if that is not known: only a View WithViews counts.
	Views int64
	// Upload is the work on its media. It is set in a list that shows uploads, and there nil when the work is done.
	Upload *video.Upload
}

// Comment is a comment with its author.
type Comment struct {
	*interaction.Comment
	Author Profile
	// ReplyToUser wrote the comment that it answers; nil for one that begins a thread, and in a list without threads.
	ReplyToUser *Profile
	// Mentions are the accounts that it mentions, those that still exist; none in a list without threads.
	Mentions []*user.User
}

// Friend is a user with the latest message between them and the viewer, nil for none.
type Friend struct {
	Profile
	LastMessage *chat.Message
}

// Conversation is one of the viewer's, with the other user.
type Conversation struct {
	*chat.Conversation
	Profile
}

// View composes. Make one with New and share it, and the one that its WithViews makes.
type View struct {
	clients     rpc.Clients
	users       *usersCall
	videos      *coalesce.Coalescer[[]int64, map[int64]*video.Video]
	videoCounts optionalCall[[]int64, map[int64]int64]
	relations   optionalCall[relationsQuery, relations]
	stats       optionalCall[statsQuery, stats]
	firstPage   *coalesce.Coalescer[int64, firstPage]
	// chosen are pages of feeds that discovery makes of what it has in its caches, following those that it reads.
	chosen, following chosenCall
	views             optionalCall[[]int64, map[int64]int64]
	// plain is the View that this one was made of by WithViews; nil for one that does not read views.
	plain *View
	// unreadChats and unreadNotices count what is unread.
	unreadChats, unreadNotices counter
	feedSize                   int32
	log                        *slog.Logger
	degraded                   *prometheus.CounterVec
}

// New makes a View; feedSize is the number of videos of a feed page.
func New(clients rpc.Clients, feedSize int32, log *slog.Logger, reg prometheus.Registerer) *View {
	v := &View{clients: clients, feedSize: feedSize, log: log, degraded: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tiktok_http_degraded_total",
		Help: "Answers that were sent with zeros because a call for an optional part failed, by what was missing.",
	}, []string{"missing"})}
	v.users = loadUsers(clients)
	v.videos = loadVideos(clients)
	v.videoCounts = loadVideoCounts(clients)
	v.relations = loadRelations(clients)
	v.stats = loadStats(clients)
	v.chosen = loadChosen(clients, chosenTimeout, int(discovery.MAX_FEED_QUERIES))
	v.following = loadChosen(clients, followingCallTimeout, maxFollowing)
	v.views = loadViews(clients)
	v.firstPage = v.shareFirstPage()
	v.unreadChats, v.unreadNotices = newCounter(v.countChats), newCounter(v.countNotices)
	reg.MustRegister(v.degraded)
	return v
}

// WithViews is a View that also reads how often videos were watched: one call more, in the same step. The two share their calls, but
// for the first page of the feed, which has views for the one and not for the other.
func (v *View) WithViews() *View {
	counting := *v
	counting.plain = v
	counting.firstPage = counting.shareFirstPage()
	return &counting
}

// reportMissing counts and logs an answer that is sent without an optional part.
func (v *View) reportMissing(ctx context.Context, what string, err error) {
	v.degraded.WithLabelValues(what).Inc()
	v.log.WarnContext(ctx, "answer is incomplete", "missing", what, "err", err)
}
