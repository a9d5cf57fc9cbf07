package opensearch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"

	"tiktok/pkg/tlsconf"
)

// Config is where the cluster is, and how a new index of it is made.
type Config struct {
	// Addrs are the addresses of nodes: http(s)://host:port, without a login. Those that a request finds away are left out until they answer.
	Addrs []string `mapstructure:"addrs"`
	// Username and Password log in at each node. Empty: no login.
	Username string `mapstructure:"username"`
	Password string `mapstructure:"password"`
	// TLS is for https addresses, TLS 1.2 at least. Empty: the system's authorities.
	TLS tlsconf.Config `mapstructure:"tls"`
	// Prefix is the name of the alias and starts the names of indices: a-z, 0-9, _ and -.
	Prefix string `mapstructure:"prefix"`
	// Shards and Replicas are of a new index; Replicas are copies beside the first. 0 Shards means 1.
	Shards   int `mapstructure:"shards"`
	Replicas int `mapstructure:"replicas"`
	// Timeout bounds a search and all that only reads, 0 means 2 s. A node that does not answer within half of it is left for another.
	Timeout time.Duration `mapstructure:"timeout"`
}

const (
	defaultTimeout = 2 * time.Second
	// writeTimeout bounds a write, which waits for a new primary shard when the node of the old one is lost. A node has writeAttempt to
	// answer.
	writeTimeout = time.Minute
	writeAttempt = 20 * time.Second
	// unreachable is how long a call goes on while no node takes a connection.
	unreachable = 500 * time.Millisecond
	dialTimeout = 500 * time.Millisecond
	// idleConns bounds the connections to a node that are kept.
	idleConns = 32
)

var validPrefix = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}$`)

func (c *Config) complete() error {
	if len(c.Addrs) == 0 {
		return errors.New("no addresses of nodes")
	}
	for _, a := range c.Addrs {
		// What is wrong is not shown: it may hold a password.
		u, err := url.Parse(a)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			return errors.New("an address is not http(s)://host:port")
		case u.User != nil:
			return errors.New("an address has a login: that belongs to username and password")
		case u.Scheme == "http" && c.TLS.Set():
			return errors.New("tls is set, and an address begins with http://")
		}
	}
	if !validPrefix.MatchString(c.Prefix) {
		return fmt.Errorf("prefix is %q, want a-z, 0-9, _ and -", c.Prefix)
	}
	if c.Shards < 0 || c.Replicas < 0 || c.Timeout < 0 {
		return errors.New("shards, replicas and timeout cannot be below 0")
	}
	if c.Shards == 0 {
		c.Shards = 1
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	return nil
}

func (c *Config) transport() (*http.Transport, error) {
	hosts := make([]string, 0, len(c.Addrs))
	for _, a := range c.Addrs {
		if u, err := url.Parse(a); err == nil {
			hosts = append(hosts, u.Hostname())
		}
	}
	conf, err := c.TLS.Client(hosts...)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	if conf == nil {
		conf = &tls.Config{}
	}
	conf.MinVersion = tls.VersionTLS12
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout: 2 * dialTimeout,
		TLSClientConfig:     conf,
		MaxIdleConnsPerHost: idleConns,
		IdleConnTimeout:     time.Minute,
	}, nil
}

// client is the official one. It takes the nodes in turn and asks the next one when one is away, answers that it cannot now, or, with
// again, does not answer within attempt.
func (c *Config) client(transport http.RoundTripper, attempt time.Duration, again bool) (*opensearch.Client, error) {
	return opensearch.NewClient(opensearch.Config{
		Addresses:            c.Addrs,
		Username:             c.Username,
		Password:             c.Password,
		Transport:            transport,
		RequestTimeout:       attempt,
		EnableRetryOnTimeout: again,
		MaxRetries:           len(c.Addrs),
		// A node that was away is asked again soon: it is one of few.
		ResurrectTimeoutInitial: time.Second,
		ResurrectTimeoutMax:     5 * time.Second,
	})
}
