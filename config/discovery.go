package config

import (
	"fmt"
	"time"

	"tiktok/pkg/tlsconf"
)

// Engines of Discovery.Engine.
const (
	EngineBleve      = "bleve"
	EngineOpenSearch = "opensearch"
)

// Discovery is search, what was watched, and feeds.
type Discovery struct {
	// Engine answers searches: bleve (in the process, each replica has an index of its own) or opensearch.
	Engine string `mapstructure:"engine"`
	// IndexDir is where bleve keeps its index, which can be lost: it is built again.
	IndexDir   string     `mapstructure:"index_dir"`
	OpenSearch OpenSearch `mapstructure:"opensearch"`
	// SessionDays is how long each session of watching is kept. Views stay counted.
	SessionDays int `mapstructure:"session_days"`
	// SignalDays is how long likes are kept that feeds are made of.
	SignalDays int `mapstructure:"signal_days"`
	// HalfLife is how long it takes until a like or a finish weighs half as much in what is hot.
	HalfLife time.Duration `mapstructure:"half_life"`
	Feeds    Feeds         `mapstructure:"feeds"`
}

// OpenSearch is the cluster that answers searches with Discovery.Engine opensearch.
type OpenSearch struct {
	// Addrs are the addresses of nodes: http(s)://host:port.
	Addrs []string `mapstructure:"addrs"`
	// Username and Password log in. Empty: no login.
	Username string `mapstructure:"username"`
	Password string `mapstructure:"password"`
	// TLS is for https addresses. Empty: the system's authorities.
	TLS tlsconf.Config `mapstructure:"tls"`
	// Prefix starts the names of indices.
	Prefix string `mapstructure:"prefix"`
	// Shards and Replicas are of a new index. Replicas are copies beside the first.
	Shards   int `mapstructure:"shards"`
	Replicas int `mapstructure:"replicas"`
	// Timeout bounds one request.
	Timeout time.Duration `mapstructure:"timeout"`
}

func defaultDiscovery() Discovery {
	return Discovery{
		Engine:      EngineBleve,
		OpenSearch:  OpenSearch{Prefix: "tiktok", Shards: 1, Replicas: 1, Timeout: 2 * time.Second},
		SessionDays: 30, SignalDays: 90, HalfLife: 24 * time.Hour, Feeds: defaultFeeds(),
	}
}

// check returns what is wrong with d.
func (d Discovery) check() (problems []string) {
	switch d.Engine {
	case EngineBleve:
	case EngineOpenSearch:
		if len(d.OpenSearch.Addrs) == 0 {
			problems = append(problems, "opensearch.addrs is needed: the addresses of nodes")
		}
	default:
		problems = append(problems, fmt.Sprintf("engine is %q, want %s or %s", d.Engine, EngineBleve, EngineOpenSearch))
	}
	if d.SessionDays < 1 || d.SignalDays < 1 || d.HalfLife < time.Minute {
		problems = append(problems, "session_days and signal_days must be at least 1, half_life at least 1m")
	}
	return append(problems, d.Feeds.check()...)
}
