// Package service answers the calls of video.thrift: what was published, by whom, in which order. Behind the answers it
// works on what was uploaded, and deletes what is not wanted any more: see worker.
package service

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"tiktok/cmd/internal/requestkeys"
	"tiktok/cmd/video/dal/cache"
	"tiktok/cmd/video/dal/db"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/outbox"
	"tiktok/pkg/telemetry"
)

var _ video.VideoService = (*Service)(nil)

// Deps is what the service works with. All fields but Now and Media are needed; they stay the caller's to close.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	IDs   *id.Generator
	Tel   *telemetry.Telemetry
	// Relay hands over what the store has written for other services. Nil: nobody hears of it.
	Relay *outbox.Relay
	// Media is for the work in the background. Without Media.Blobs there is none, whatever is published.
	Media MediaDeps
	// Quota is what one author may upload.
	Quota db.Quota
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Service keeps videos. It is safe for concurrent use.
type Service struct {
	store  *db.Store
	behind *db.Store // reads a replica, when there is one: for later pages of others
	cache  kv.Store
	log    *slog.Logger
	videos *kv.LoadingCache[int64, db.Video]
	works  *kv.LoadingCache[int64, int64]
	// newest holds the first page of the feed.
	newest *kv.LoadingCache[int64, []db.Video]
	// published holds authors' lists.
	published *kv.LoadingCache[int64, cache.Published]
	ids       *id.Generator
	now       func() time.Time
	media     *worker
	quota     db.Quota
	relay     *outbox.Relay
	// closers release what Open opened.
	closers lifecycle.Closers
}

// New returns a service on top of d. It starts nothing.
func New(d Deps) *Service {
	s := &Service{
		store:  d.Store.Telling(messages, d.Relay.Wake),
		behind: db.New(d.Store.Behind()),
		videos: kv.NewLoadingCache(d.Cache, cache.Videos(d.Tel.Log, d.Tel.Registry), d.Store.MGetVideos),
		works:  kv.NewLoadingCache(d.Cache, cache.Works(d.Tel.Log, d.Tel.Registry), d.Store.MCountWorks),
		cache:  d.Cache,
		log:    d.Tel.Log,
		ids:    d.IDs,
		now:    d.Now,
		quota:  d.Quota,
		relay:  d.Relay,
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.newest = kv.NewLoadingCache(d.Cache, cache.NewestOptions(d.Tel.Log, d.Tel.Registry), s.loadNewest)
	s.published = kv.NewLoadingCache(d.Cache, cache.PublishedOptions(d.Tel.Log, d.Tel.Registry), s.loadPublished)
	s.media = newWorker(d.Media, s.store, s.changed, s.now, d.Tel)
	return s
}

// changed makes everybody read the video, those of its author and how many they are, and the newest ones, anew.
func (s *Service) changed(ctx context.Context, videoID, authorID int64) {
	kv.Invalidate(ctx, s.videos.Invalidation(videoID), s.newest.Invalidation(cache.Newest),
		s.works.Invalidation(authorID), s.published.Invalidation(authorID))
}

// Run works in the background, forgets keys of requests, and hands over what other services shall hear of, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.media.run(ctx) })
	g.Go(func() error { return s.relay.Run(ctx) })
	g.Go(func() error { requestkeys.Purge(ctx, s.log, "video", s.cache, s.store.DB); return nil })
	return g.Wait()
}

// Ready reports whether the service can do its work. Without its cache it can, only slower.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }

// DescribeTools says in a line what can be done with uploads here, for readiness details.
func (s *Service) DescribeTools() string {
	if s.media.Tools == nil {
		return "none"
	}
	return s.media.Tools.Describe()
}

// Close releases what Open opened, in reverse. A service made by New has nothing to release.
func (s *Service) Close() error { return s.closers.Close() }
