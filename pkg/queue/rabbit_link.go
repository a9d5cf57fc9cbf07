package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	deadSuffix = ".dead"
	// heartbeat: a broker that went away without a word is noticed after three of them.
	heartbeat    = 5 * time.Second
	dialTimeout  = 5 * time.Second
	closeTimeout = time.Second
	// steady: a connection that held so long was a good one. One that is lost sooner counts as a failure, so that a
	// broker that accepts and drops connections is not asked without pause.
	steady     = 10 * time.Second
	backoffMin = 100 * time.Millisecond
	backoffMax = 2 * time.Second
	// deliveryLimit is how often the broker hands a message out again whose consumer died. It is high because a message
	// that waits for a database to come back may see its consumer restarted many times; the ones that cannot be stored
	// are sorted out by the consumer.
	deliveryLimit = 100
	// defaultMaxLength bounds the backlog, in parcels: above it the broker refuses, and Publish waits.
	defaultMaxLength = 1_000_000
)

// link is one connection.
type link struct {
	conn *amqp.Connection
	raw  net.Conn
	// down gets the reason when the connection is lost.
	down chan *amqp.Error
}

// dial connects, within ctx.
func dial(ctx context.Context, cfg Config, what string) (*link, error) {
	conf, err := tlsOf(cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	l := &link{}
	props := amqp.NewConnectionProperties()
	props.SetClientConnectionName(what)
	var stop func() bool
	conn, err := amqp.DialConfig(cfg.URL, amqp.Config{
		Heartbeat:       heartbeat,
		TLSClientConfig: conf,
		Properties:      props,
		Dial: func(network, addr string) (net.Conn, error) {
			var d net.Dialer
			raw, err := d.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			l.raw = raw
			// The handshake knows no context.
			stop = context.AfterFunc(ctx, func() { _ = raw.Close() })
			return raw, nil
		},
	})
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		if l.raw != nil {
			_ = l.raw.Close()
		}
		return nil, fmt.Errorf("connect to RabbitMQ: %w", err)
	}
	l.conn = conn
	l.down = conn.NotifyClose(make(chan *amqp.Error, 1))
	return l, nil
}

// tlsOf is how to speak TLS with the broker, nil for the library's own way: for an amqps URL that of the operating system.
func tlsOf(cfg Config) (*tls.Config, error) {
	if !cfg.TLS.Set() {
		return nil, nil //nolint:nilnil // as the library takes it
	}
	uri, err := amqp.ParseURI(cfg.URL)
	if err != nil {
		return nil, checkURL(cfg.URL)
	}
	if uri.Scheme != "amqps" {
		return nil, errors.New("queue: TLS needs a URL that begins with amqps")
	}
	conf, err := cfg.TLS.Client(uri.Host)
	if err != nil {
		return nil, fmt.Errorf("queue: tls: %w", err)
	}
	conf.MinVersion = tls.VersionTLS12
	return conf, nil
}

// close says goodbye, but not for long.
func (l *link) close() {
	// The library cannot say goodbye while a write hangs. Cutting the line frees that write.
	cut := time.AfterFunc(closeTimeout, func() { _ = l.raw.Close() })
	defer cut.Stop()
	_ = l.conn.CloseDeadline(time.Now().Add(closeTimeout)) // gone already: fine too
	_ = l.raw.Close()
}

// declare makes the queue and its dead-letter queue, or checks that they are as they should be.
func declare(ch *amqp.Channel, name, kind string, maxLength int32) error {
	if err := declareOne(ch, name+deadSuffix, kind, amqp.Table{}); err != nil {
		return err
	}
	args := amqp.Table{
		"x-max-length":              maxLength,
		"x-overflow":                "reject-publish",
		"x-dead-letter-exchange":    "",
		"x-dead-letter-routing-key": name + deadSuffix,
	}
	if kind == TypeQuorum { // a classic queue knows neither
		args["x-delivery-limit"] = int32(deliveryLimit)
		args["x-dead-letter-strategy"] = "at-least-once"
	}
	return declareOne(ch, name, kind, args)
}

func declareOne(ch *amqp.Channel, name, kind string, args amqp.Table) error {
	args[amqp.QueueTypeArg] = kind
	_, err := ch.QueueDeclare(name, true, false, false, false, args)
	var refused *amqp.Error
	if errors.As(err, &refused) && refused.Code == amqp.PreconditionFailed {
		return fmt.Errorf("the broker has %s with other settings than queue.type %s: set queue.type as it was, or let the queue"+
			" run empty, stop its services and delete it (rabbitmqctl delete_queue %s): %w", name, kind, name, err)
	}
	if err != nil {
		return fmt.Errorf("declare %s: %w", name, err)
	}
	return nil
}

// backoff is how long to wait after the n-th failure in a row, n from 1: doubling, within bounds, ± 20 %.
func backoff(n int) time.Duration {
	d := backoffMax
	if n < 6 {
		d = min(backoffMin<<(n-1), backoffMax)
	}
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// pause waits and reports whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
