package service

import (
	"context"
	"time"
)

// What orders two writes of one user to one video is the ids of their events, and an id comes from the clock of the
// replica that accepted the write. Guaranteed is:
//
//   - Two writes through one replica keep their order, whatever its clock does.
//   - Two writes through different replicas keep their order if the second replica has applied the first event, or has
//     answered any read that showed it, before it accepted the second: ids never go below what the process has seen
//     (id.Generator.Observe).
//   - Else they keep their order if they are further apart than the replicas' clocks: an unlike that follows a like
//     within that time, through another replica, with no read in between, may lose. Each replica measures its clock
//     against the database server's, at the start and every half minute: tiktok_clock_offset_seconds, and a log line
//     above 250 ms. Keep machines synchronised (NTP): then that time is a few milliseconds, less than a click takes.

const (
	// clockEvery is how often the clock is compared.
	clockEvery = 30 * time.Second
	// clockAlarm is the difference that is logged.
	clockAlarm = 250 * time.Millisecond
	// clockTimeout bounds one comparison.
	clockTimeout = 3 * time.Second
)

// watchClock compares the clock until ctx ends.
func (s *Service) watchClock(ctx context.Context) {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		s.compareClock(ctx, s.store.ClockOffset)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// compareClock does it once. A store that is away says nothing about the clock.
func (s *Service) compareClock(ctx context.Context, measure func(context.Context) (time.Duration, error)) {
	ctx, cancel := context.WithTimeout(ctx, clockTimeout)
	defer cancel()
	offset, err := measure(ctx)
	if err != nil {
		return
	}
	s.clockOffset.Set(offset.Seconds())
	if offset.Abs() > clockAlarm {
		s.log.WarnContext(ctx, "the clock differs from the database server's: likes of one user through two replicas may be reordered",
			"offset_ms", offset.Milliseconds())
	}
}
