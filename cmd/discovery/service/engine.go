package service

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"sync"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/follow"
	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/bleveindex"
	"tiktok/cmd/discovery/index/opensearch"
	"tiktok/config"
	"tiktok/pkg/text"
)

// OpenEngine opens the search engine that the settings name. shared says that all processes of the service have the same index.
func OpenEngine(cfg config.Discovery, readOnly bool, log *slog.Logger) (e index.Engine, shared bool, err error) {
	if cfg.Engine == config.EngineOpenSearch {
		e, err = opensearch.New(opensearch.Config(cfg.OpenSearch), log)
		return e, true, err
	}
	e, err = bleveindex.Open(bleveindex.Config{Dir: cfg.IndexDir, ReadOnly: readOnly}, log)
	return e, false, err
}

const (
	// indexLease is how long a process that has died is waited for before another one writes to the index that they share.
	indexLease     = 15 * time.Second
	indexLeaseName = "index"
	// askLease is how often a process that does not write asks whether it shall.
	askLease = time.Second
)

// indexLead is the right to write to an index that several processes share. One of them has it at a time, or, after it stood still, two for
// a moment: the versions of documents bear that. It is safe for concurrent use.
type indexLead struct {
	store  *db.Store
	holder string

	mu    sync.Mutex
	leads bool      // guarded by mu
	since time.Time // when leads was asked for; guarded by mu
}

// ask tells whether this process leads. Most times it knows that without asking the database.
func (l *indexLead) ask(ctx context.Context) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := askLease
	if l.leads {
		rest = indexLease / 3
	}
	if time.Since(l.since) < rest {
		return l.leads, nil
	}
	asked := time.Now()
	leads, err := l.store.TakeLease(ctx, indexLeaseName, l.holder, indexLease)
	if err != nil {
		return false, err
	}
	l.leads, l.since = leads, asked
	return leads, nil
}

// drop lets another process lead at once.
func (l *indexLead) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), askLease)
	defer cancel()
	return l.store.DropLease(ctx, indexLeaseName, l.holder)
}

// newFollower returns what keeps the index of this process up with the catalogue.
func (s *Service) newFollower(d Deps) *follow.Follower {
	return follow.New(follow.Deps{
		Store: d.Store, Engine: d.Engine, Replica: replica(), Lead: d.IndexLead, Log: d.Tel.Log, Reg: d.Tel.Registry, Now: s.now,
	})
}

// indexChanged says that the catalogue has changed, after it was committed: the index follows at once.
func (s *Service) indexChanged() {
	if s.follower != nil {
		s.follower.Wake()
	}
}

// replica names this process among those of the service: its host, and what tells it from others there.
func replica() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return text.First(host, 50) + "-" + rand.Text()[:8]
}
