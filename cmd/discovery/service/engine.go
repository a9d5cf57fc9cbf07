package service

import (
	"crypto/rand"
	"fmt"
	"os"

	"tiktok/cmd/discovery/follow"
	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/bleveindex"
	"tiktok/config"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/text"
)

// OpenEngine opens the search engine that the settings name. shared says that all processes of the service have the same index.
func OpenEngine(cfg config.Discovery, readOnly bool, tel *telemetry.Telemetry) (e index.Engine, shared bool, err error) {
	if cfg.Engine == config.EngineOpenSearch {
		return nil, true, fmt.Errorf("engine %s is not built yet", cfg.Engine)
	}
	e, err = bleveindex.Open(bleveindex.Config{Dir: cfg.IndexDir, ReadOnly: readOnly}, tel.Log)
	return e, false, err
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
