package queue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"tiktok/pkg/lifecycle"
	"tiktok/pkg/tlsconf"
)

// Nodes are the addresses of RabbitMQ: URLs, or else URL.
func (c Config) Nodes() []string {
	if len(c.URLs) > 0 {
		return c.URLs
	}
	return []string{c.URL}
}

// CheckNodes reports what is wrong with URL and URLs. Its errors hold no part of them, which may be a password.
func (c Config) CheckNodes() error {
	if len(c.URLs) > 0 && c.URL != "" {
		return errors.New("queue: url and urls are both set")
	}
	if strings.Contains(c.URL, ",") {
		return errors.New("queue: url has a comma: several nodes belong into urls, and a comma of a password is %2C")
	}
	var first amqp.URI
	for i, node := range c.Nodes() {
		uri, err := parseURL(node)
		switch {
		case err != nil:
			return err
		case i == 0:
			first = uri
		case uri.Scheme != first.Scheme:
			return errors.New("queue: urls have several schemes: all are amqp, or all amqps")
		case uri.Vhost != first.Vhost:
			return errors.New("queue: urls have several vhosts: all are nodes of one cluster")
		}
	}
	if c.TLS.Set() && first.Scheme != "amqps" {
		return errors.New("queue: TLS needs URLs that begin with amqps")
	}
	return nil
}

// parseURL does not tell what is wrong with it, which may quote a password.
func parseURL(node string) (amqp.URI, error) {
	uri, err := amqp.ParseURI(node)
	if u, bad := url.Parse(node); err != nil || bad != nil || u.Hostname() == "" { // the library has a host for who names none
		return amqp.URI{}, errors.New("queue: the url of RabbitMQ is not amqp://user:password@host:port/vhost or amqps://…;" +
			" other characters than letters and digits in user and password are percent-encoded")
	}
	return uri, nil
}

// tlsOf is how to speak TLS with a node, nil for the library's own way: for an amqps URL that of the operating system.
func tlsOf(files tlsconf.Config, node string) (*tls.Config, error) {
	if !files.Set() {
		return nil, nil //nolint:nilnil // as the library takes it
	}
	uri, err := parseURL(node)
	if err != nil {
		return nil, err
	}
	conf, err := files.Client(uri.Host)
	if err != nil {
		return nil, fmt.Errorf("queue: tls: %w", err)
	}
	conf.MinVersion = tls.VersionTLS12
	return conf, nil
}

// turn gives the nodes one after the other, from a random one on, so that the connections of many processes spread.
type turn struct {
	nodes []string
	next  int
}

func newTurn(cfg Config) *turn {
	nodes := cfg.Nodes()
	return &turn{nodes: nodes, next: rand.IntN(len(nodes))}
}

// node is the next one.
func (t *turn) node() string {
	n := t.nodes[t.next]
	t.next = (t.next + 1) % len(t.nodes)
	return n
}

// keep runs a session again and again until ctx ends, each with the node after that of the one before. When sessions with all nodes
// were short it waits, longer each time.
func keep(ctx context.Context, cfg Config, log *slog.Logger, session func(ctx context.Context, node string) error) {
	retry, nodes := lifecycle.BackOff(), newTurn(cfg)
	for failures := 1; ctx.Err() == nil; failures++ {
		began := time.Now()
		err := session(ctx, nodes.node())
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steady {
			failures = 1
			retry.Reset()
		}
		if failures == 1 || failures%16 == 0 {
			log.Warn("no connection to RabbitMQ, trying again", "failures", failures, "err", err)
		}
		if failures%len(nodes.nodes) == 0 {
			lifecycle.Pause(ctx, retry.NextBackOff())
		}
	}
}

// dialAny connects to the first node that takes it.
func dialAny(ctx context.Context, cfg Config, what string, setUp func(*amqp.Channel) error) (c *connection, err error) {
	nodes := newTurn(cfg)
	for range nodes.nodes {
		if c, err = dial(ctx, cfg, nodes.node(), what, setUp); err == nil || ctx.Err() != nil {
			break
		}
	}
	return c, err
}
