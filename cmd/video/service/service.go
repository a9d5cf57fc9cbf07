// Package service answers the calls of video.thrift: what was published, by whom, in which order.
package service

import (
	"context"
	"time"

	"tiktok/cmd/video/dal/cache"
	"tiktok/cmd/video/dal/db"
	"tiktok/kitex_gen/video"
	"tiktok/pkg/id"
	"tiktok/pkg/kv"
	"tiktok/pkg/telemetry"
)

var _ video.VideoService = (*Service)(nil)

// Deps is what the service works with. All fields but Now are needed; they stay the caller's to close.
type Deps struct {
	Store *db.Store
	Cache kv.Store
	IDs   *id.Generator
	Tel   *telemetry.Telemetry
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Service keeps videos. It is safe for concurrent use.
type Service struct {
	store  *db.Store
	videos *kv.Typed[db.Video]
	works  *kv.Typed[int64]
	ids    *id.Generator
	now    func() time.Time
	// close releases what Open opened.
	close func() error
}

// New returns a service on top of d. It starts nothing.
func New(d Deps) *Service {
	s := &Service{
		store:  d.Store,
		videos: kv.NewTyped[db.Video](d.Cache, cache.Videos(d.Tel.Log, d.Tel.Registry)),
		works:  kv.NewTyped[int64](d.Cache, cache.Works(d.Tel.Log, d.Tel.Registry)),
		ids:    d.IDs,
		now:    d.Now,
		close:  func() error { return nil },
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Run blocks until ctx ends: the service has no work in the background.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Ready reports whether the service can do its work. Without its cache it can, only slower.
func (s *Service) Ready(ctx context.Context) error { return s.store.Ping(ctx) }

// Close releases what Open opened. A service made by New has nothing to release.
func (s *Service) Close() error { return s.close() }
