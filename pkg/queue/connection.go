package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	deadSuffix = ".dead"
	// heartbeat: a broker that went away without a word is noticed after one and a half of them (the library), a process after two to
	// three (the broker, which then gives what that held to another).
	heartbeat   = 2 * time.Second
	dialTimeout = 5 * time.Second
	// handshakeTimeout is for a node that does not answer where there are others.
	handshakeTimeout = 2 * time.Second
	closeTimeout     = time.Second
	// steady: a connection that held so long was a good one. One that is lost sooner counts as a failure, so that a
	// broker that accepts and drops connections is not asked without pause.
	steady = 10 * time.Second
	// deliveryLimit is how often the broker delivers a message whose consumer died. It is high because a message that
	// waits for a database to come back may see its consumer restarted many times.
	deliveryLimit = 100
	// defaultMaxLength bounds the backlog, in batches: above it the broker refuses, and Publish waits.
	defaultMaxLength = 1_000_000
	// maxReturns bounds the unconfirmed messages of a connection.
	maxReturns = 16
)

var (
	errNotConnected = errors.New("not connected yet")
	errLost         = errors.New("connection lost")
	errUnroutable   = errors.New("the queue is gone")
	errFull         = errors.New("the queue is full")
)

// connection is a connection to RabbitMQ with one channel in confirm mode.
type connection struct {
	conn *amqp.Connection
	ch   *amqp.Channel
	raw  net.Conn
	down chan *amqp.Error // gets the reason when the channel or the connection is lost
	// returns gets the messages that no queue takes, each before its confirm.
	returns chan amqp.Return
}

// dial connects to a node, opens the channel and sets it up, all within ctx and dialTimeout; where there are other nodes, the
// connection within handshakeTimeout. what names the connection in RabbitMQ's own lists.
func dial(ctx context.Context, cfg Config, node, what string, setUp func(*amqp.Channel) error) (*connection, error) {
	conf, err := tlsOf(cfg.TLS, node)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c := &connection{down: make(chan *amqp.Error, 2), returns: make(chan amqp.Return, maxReturns)}
	props := amqp.NewConnectionProperties()
	props.SetClientConnectionName(what)
	// The library's calls know no context: a broker that hangs is cut off.
	stop := func() bool { return true }
	handshake := time.AfterFunc(dialTimeout, cancel)
	if len(cfg.Nodes()) > 1 {
		handshake.Reset(handshakeTimeout)
	}
	c.conn, err = amqp.DialConfig(node, amqp.Config{
		Heartbeat: heartbeat, TLSClientConfig: conf, Properties: props,
		Dial: func(network, addr string) (_ net.Conn, err error) {
			if c.raw, err = new(net.Dialer).DialContext(ctx, network, addr); err == nil {
				stop = context.AfterFunc(ctx, func() { _ = c.raw.Close() })
			}
			return c.raw, err
		},
	})
	handshake.Stop()
	if err == nil {
		err = c.open(setUp)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.close()
		return nil, fmt.Errorf("connect to RabbitMQ: %w", err)
	}
	return c, nil
}

func (c *connection) open(setUp func(*amqp.Channel) error) (err error) {
	if c.ch, err = c.conn.Channel(); err != nil {
		return err
	}
	c.ch.NotifyClose(c.down)
	c.ch.NotifyReturn(c.returns)
	if err := c.ch.Confirm(false); err != nil {
		return err
	}
	return setUp(c.ch)
}

// close says goodbye, but not for long.
func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.CloseDeadline(time.Now().Add(closeTimeout)) // gone already: fine too
	}
	if c.raw != nil {
		_ = c.raw.Close() // also frees a write that hangs
	}
}

// lost is why the connection or its channel was lost.
func (c *connection) lost() error {
	select {
	case err := <-c.down:
		return lostBy(err)
	default:
		return errLost
	}
}

func lostBy(err *amqp.Error) error {
	if err == nil {
		return errLost
	}
	return fmt.Errorf("%w: %w", errLost, err)
}

// publish publishes a message to a queue and waits until it is durable. errFull means that the queue does not take it now;
// after any other error the connection is of no use any more.
func (c *connection) publish(ctx context.Context, queue string, m amqp.Publishing) error {
	confirmation, err := c.ch.PublishWithDeferredConfirmWithContext(ctx, "", queue, true, false, m)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", queue, err)
	}
	if _, err := confirmation.WaitContext(ctx); err != nil {
		return fmt.Errorf("publish to %s: %w", queue, err)
	}
	return c.outcome(confirmation)
}

// outcome is what became of a message that was published as mandatory, once its confirmation is done: nil when it is
// durable. After errUnroutable and errLost the connection is of no use any more.
func (c *connection) outcome(d *amqp.DeferredConfirmation) error {
	switch {
	case len(c.returns) > 0:
		// Of which message does not matter: the queue is gone, and nobody takes the return from the channel.
		return errUnroutable
	case d.Acked():
		return nil
	case c.ch.IsClosed():
		return c.lost()
	}
	return errFull
}

// declare makes the queue and its dead-letter queue, or checks that they are as they should be. more are settings of the queue
// besides those that all have. It returns how many messages each has.
func declare(ch *amqp.Channel, name, kind string, more amqp.Table) (depth, dead int, err error) {
	if dead, err = declareOne(ch, name+deadSuffix, kind, amqp.Table{}); err != nil {
		return 0, 0, err
	}
	args := amqp.Table{
		amqp.QueueOverflowArg:       amqp.QueueOverflowRejectPublish,
		"x-dead-letter-exchange":    "",
		"x-dead-letter-routing-key": name + deadSuffix,
	}
	maps.Copy(args, more)
	if kind == TypeQuorum { // a classic queue knows neither
		args["x-delivery-limit"] = int32(deliveryLimit)
		args["x-dead-letter-strategy"] = "at-least-once"
	}
	depth, err = declareOne(ch, name, kind, args)
	return depth, dead, err
}

// bounded is the setting of a queue that takes so many messages.
func bounded(maxLength int32) amqp.Table { return amqp.Table{amqp.QueueMaxLenArg: maxLength} }

func declareOne(ch *amqp.Channel, name, kind string, args amqp.Table) (messages int, err error) {
	args[amqp.QueueTypeArg] = kind
	q, err := ch.QueueDeclare(name, true, false, false, false, args)
	var refused *amqp.Error
	if errors.As(err, &refused) && refused.Code == amqp.PreconditionFailed {
		return 0, fmt.Errorf("the broker has %s with other settings than queue.type %s: set queue.type as it was, or let the queue"+
			" run empty, stop its services and delete it (rabbitmqctl delete_queue %s): %w", name, kind, name, err)
	}
	if err != nil {
		return 0, fmt.Errorf("declare %s: %w", name, err)
	}
	return q.Messages, nil
}

// measure calls look with a channel of its own, at once and every measureEvery, until ctx ends or look fails.
func (c *connection) measure(ctx context.Context, look func(ch *amqp.Channel) error) error {
	ch, err := c.conn.Channel()
	if err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	tick := time.NewTicker(measureEvery)
	defer tick.Stop()
	for {
		if err := look(ch); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
