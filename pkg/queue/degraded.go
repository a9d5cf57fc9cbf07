package queue

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// reportEvery bounds the lines about degraded writes.
const reportEvery = time.Second

// degradation tells the log that writes go around the broker, at most once a second, and when that has ended.
type degradation struct {
	log  *slog.Logger
	open atomic.Bool // the last write went around the broker

	mu       sync.Mutex
	began    time.Time
	reported time.Time
	said     bool // a line was written since began
	total    int  // since began
	recent   int  // since reported
}

// add notes a write that the broker did not take.
func (d *degradation) add(now time.Time, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open.Swap(true) {
		d.began = now
	}
	d.total++
	d.recent++
	if now.Sub(d.reported) < reportEvery {
		return
	}
	d.log.Warn("RabbitMQ does not take writes, they go to the store directly", "writes", d.recent, "reason", reason(err), "err", err)
	d.reported, d.recent, d.said = now, 0, true
}

// healed notes a write that the broker took.
func (d *degradation) healed(now time.Time) {
	if !d.open.Load() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.said {
		d.log.Info("RabbitMQ takes writes again", "direct_writes", d.total, "after", now.Sub(d.began).Round(time.Millisecond))
		d.total, d.recent, d.said = 0, 0, false
	}
	d.open.Store(false)
}
