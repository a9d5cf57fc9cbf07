package push

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// lingers is how long a channel stays subscribed to without a reader: the next one comes soon mostly.
	lingers = 30 * time.Second
	// beatEvery is the pause between two pings on a connection, and silence from when on it is given up. With the time that a Cluster
	// takes to replace a node that hangs, it is less than ten seconds.
	beatEvery = time.Second
	silence   = 3 * time.Second
	// firstPause and lastPause are between two attempts to connect.
	firstPause = 50 * time.Millisecond
	lastPause  = time.Second
)

var (
	errSilent     = errors.New("redis has been silent")
	errMoved      = errors.New("redis has moved the channel to another node")
	errConnecting = errors.New("redis has not confirmed yet")
)

// link is a connection that subscribes to channels. It is made when it is needed, made again when it breaks, and closed when no
// channel is needed any more.
type link struct {
	ctx     context.Context //nolint:containedctx // that of the broker, until Close
	client  redis.UniversalClient
	deliver func(msg string)
	log     *slog.Logger
	// changed holds a token after channels were added.
	changed chan struct{}
	started sync.Once
	// beat and linger are beatEvery and lingers.
	beat, linger time.Duration

	mu       sync.Mutex
	channels map[string]*channel // guarded by mu; those that are subscribed to, or are to be
	leaving  map[string]int      // guarded by mu; unsubscriptions that the server has not confirmed
	err      error               // guarded by mu; why the last connection ended, nil when it works
}

// channel is one that a link is to be subscribed to.
type channel struct {
	readers   int
	idleSince time.Time // when the last reader went
	sent      bool      // on this connection
	confirmed bool
	ready     chan struct{} // is closed when it is confirmed
}

func newLink(ctx context.Context, client redis.UniversalClient, deliver func(string), log *slog.Logger) *link {
	return &link{
		ctx: ctx, client: client, deliver: deliver, log: log, changed: make(chan struct{}, 1), beat: beatEvery, linger: lingers,
		channels: map[string]*channel{}, leaving: map[string]int{}, err: errConnecting,
	}
}

// acquire adds a reader of a channel. The answer is closed when the server has confirmed that it sends the channel's messages. group
// counts what runs until the broker is closed.
func (l *link) acquire(group *sync.WaitGroup, name string) (ready <-chan struct{}) {
	l.started.Do(func() { group.Go(l.run) })
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.channels[name]
	if c == nil {
		c = &channel{ready: make(chan struct{})}
		l.channels[name] = c
		select {
		case l.changed <- struct{}{}:
		default: // there is one already
		}
	}
	c.readers++
	return c.ready
}

// release takes a reader off.
func (l *link) release(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.channels[name]; c != nil {
		if c.readers--; c.readers == 0 {
			c.idleSince = time.Now()
		}
	}
}

// missing is how many channels are not confirmed that have readers, and why.
func (l *link) missing() (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, c := range l.channels {
		if c.readers > 0 && !c.confirmed {
			n++
		}
	}
	if l.err == nil {
		return n, errConnecting
	}
	return n, l.err
}

// run connects, again and again, while there are channels, until the broker is closed.
func (l *link) run() {
	pause := firstPause
	for l.ctx.Err() == nil {
		if !l.needed() {
			select {
			case <-l.ctx.Done():
			case <-l.changed:
			}
			continue
		}
		err := l.connect()
		if l.ctx.Err() != nil {
			return
		}
		if l.lost(err) {
			pause = firstPause
		}
		if err == nil {
			continue // not needed any more
		}
		if cluster, ok := l.client.(*redis.ClusterClient); ok {
			cluster.ReloadState(l.ctx)
		}
		select {
		case <-l.ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // all processes lose Redis at the same time
		}
		pause = min(2*pause, lastPause)
	}
}

func (l *link) needed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.channels) > 0
}

// lost notes that there is no connection now. It returns whether the last one worked.
func (l *link) lost(err error) (worked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	worked = l.err == nil
	for _, c := range l.channels {
		if c.confirmed {
			c.ready = make(chan struct{})
		}
		c.sent, c.confirmed = false, false
	}
	clear(l.leaving)
	if l.err = explain(err); err == nil {
		l.err = errConnecting
	} else {
		l.log.Warn("hints of other processes do not come, connecting again", "err", l.err)
	}
	return worked
}

// connect subscribes to all channels and delivers what comes. It returns nil when no channel is needed any more.
func (l *link) connect() error {
	ctx, end := context.WithCancelCause(l.ctx)
	sub := l.client.SSubscribe(ctx) // to nothing yet: it does not connect
	var reader sync.WaitGroup
	defer func() {
		end(nil)
		_ = sub.Close() // which ends the reader
		reader.Wait()
	}()
	if _, err := l.subscribe(ctx, sub); err != nil {
		return err
	}
	var heard atomic.Int64
	heard.Store(time.Now().UnixNano())
	reader.Go(func() { end(l.read(ctx, sub, &heard)) })
	beat := time.NewTicker(l.beat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.changed:
		case <-beat.C:
			if time.Since(time.Unix(0, heard.Load())) > silence {
				return errSilent
			}
			if err := sub.Ping(ctx); err != nil {
				return err
			}
			if err := l.unsubscribe(ctx, sub); err != nil {
				return err
			}
		}
		if n, err := l.subscribe(ctx, sub); n == 0 || err != nil {
			return err
		}
	}
}

// subscribe asks for the channels that were not asked for yet. It returns how many there are in all.
func (l *link) subscribe(ctx context.Context, sub *redis.PubSub) (int, error) {
	l.mu.Lock()
	var names []string
	for name, c := range l.channels {
		if !c.sent {
			c.sent = true
			names = append(names, name)
		}
	}
	all := len(l.channels)
	l.mu.Unlock()
	if len(names) == 0 {
		return all, nil
	}
	// On a Cluster all of one command have to be in one slot; there, a link has one channel.
	return all, sub.SSubscribe(ctx, names...)
}

// unsubscribe leaves the channels that have had no reader for a while.
func (l *link) unsubscribe(ctx context.Context, sub *redis.PubSub) error {
	l.mu.Lock()
	var names []string
	for name, c := range l.channels {
		if c.readers == 0 && time.Since(c.idleSince) > l.linger {
			delete(l.channels, name)
			l.leaving[name]++
			names = append(names, name)
		}
	}
	l.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	return sub.SUnsubscribe(ctx, names...)
}

// read delivers messages until the connection breaks.
func (l *link) read(ctx context.Context, sub *redis.PubSub, heard *atomic.Int64) error {
	for {
		got, err := sub.ReceiveTimeout(ctx, 0)
		if err != nil {
			return err
		}
		heard.Store(time.Now().UnixNano())
		switch m := got.(type) {
		case *redis.Message:
			l.deliver(m.Payload)
		case *redis.Subscription:
			if m.Kind == "ssubscribe" {
				l.confirm(m.Channel)
			} else if !l.left(m.Channel) {
				return errMoved
			}
		}
	}
}

func (l *link) confirm(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.channels[name]; c != nil && c.sent && !c.confirmed {
		c.confirmed = true
		close(c.ready)
	}
	if l.err != nil && !errors.Is(l.err, errConnecting) {
		l.log.Info("hints of other processes come again")
	}
	l.err = nil
}

// left notes that the server has confirmed that it sends no more of a channel. It returns false when nobody asked for that: a node of
// a Cluster does so that hands the channel to another one.
func (l *link) left(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leaving[name] == 0 {
		return false
	}
	if l.leaving[name]--; l.leaving[name] == 0 {
		delete(l.leaving, name)
	}
	return true
}
