package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/index"
	"tiktok/config"
	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
	"tiktok/pkg/telemetry"
)

// TestIndexLead: one process writes to an index that several share; the next one does when it ends, and when its lease is over.
func TestIndexLead(t *testing.T) {
	sqldbtest.Each(t, "discovery", db.Migrations(), func(t *testing.T, d *sqldb.DB) {
		store := db.New(d)
		one, two := &indexLead{store: store, holder: "one"}, &indexLead{store: store, holder: "two"}
		leads := func(l *indexLead, want bool) {
			t.Helper()
			if got, err := l.ask(t.Context()); err != nil || got != want {
				t.Errorf("%s leads: %v, %v, want %v", l.holder, got, err, want)
			}
		}
		later := func(l *indexLead) { l.since = time.Time{} }
		leads(one, true)
		leads(two, false)
		later(one)
		leads(one, true)
		if err := one.drop(); err != nil {
			t.Fatal(err)
		}
		leads(two, false) // not asked again yet
		later(two)
		leads(two, true)
		if err := store.Write.Exec("UPDATE leases SET until_ms = 1 WHERE name = ?", indexLeaseName).Error; err != nil {
			t.Fatal(err)
		}
		later(one)
		leads(one, true)
		later(two)
		leads(two, false)
		later(one)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if got, err := one.ask(gone); err == nil || got {
			t.Errorf("leads without an answer of the database: %v, %v", got, err)
		}
	})
}

// TestReplicasShareOpenSearch: the index is built when there is none, by one of two processes; what one of them writes both find, and when
// it ends the other one goes on.
func TestReplicasShareOpenSearch(t *testing.T) {
	nodes := os.Getenv("TIKTOK_TEST_OPENSEARCH")
	if nodes == "" {
		t.Skip("NOT RUN: replicas that share OpenSearch. TIKTOK_TEST_OPENSEARCH is not set (test/env.sh start opensearch)")
	}
	store := db.New(sqldbtest.SQLite(t, "discovery", db.Migrations()))
	cfg := config.Discovery{Engine: config.EngineOpenSearch}
	cfg.OpenSearch = config.OpenSearch{Addrs: strings.Split(nodes, ","), Prefix: fmt.Sprintf("test%d", time.Now().UnixNano()), Replicas: 1}
	t.Cleanup(func() {
		url := cfg.OpenSearch.Addrs[0] + "/" + cfg.OpenSearch.Prefix + "-v*"
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodDelete, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	})
	var seq int64
	add := func(title string) {
		t.Helper()
		seq++
		err := store.Tx(t.Context(), func(tx *gorm.DB) error {
			if err := tx.Exec("UPDATE catalogue_clock SET seq = ? WHERE id = 1", seq).Error; err != nil {
				return err
			}
			return tx.Create(&db.Video{ID: seq, AuthorID: 1, Title: title, ChangedSeq: seq}).Error
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	type process struct {
		*Service
		lead *indexLead
		end  func()
	}
	start := func() process {
		t.Helper()
		tel := telemetry.Discard()
		e, shared, err := OpenEngine(cfg, false, tel.Log)
		if err != nil || !shared {
			t.Fatalf("shared %v, %v", shared, err)
		}
		lead := &indexLead{store: store, holder: replica()}
		s := New(Deps{Store: store, Tel: tel, Config: cfg, Engine: e, IndexLead: lead.ask})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := s.follower.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		end := sync.OnceFunc(func() {
			cancel()
			running.Wait()
			if err := errors.Join(lead.drop(), e.Close()); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(end)
		return process{s, lead, end}
	}
	find := func(p process, title string) time.Duration {
		t.Helper()
		began := time.Now()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			hits, err := p.searches.engine.Search(t.Context(), index.Query{Kind: index.Videos, Text: title, Limit: 1})
			if err == nil && len(hits) == 1 {
				return time.Since(began)
			}
			// Unavailable: beside this one a test of the engine stops nodes.
			passing := err == nil || errors.Is(err, index.ErrNoIndex) || errors.Is(err, index.ErrUnavailable)
			if !passing || time.Since(began) > 40*time.Second {
				t.Fatalf("%q is not found: %v, %v", title, hits, err)
			}
			<-tick.C
		}
	}
	add("first")
	one := start()
	find(one, "first")
	two := start()
	find(two, "first")
	add("second")
	took := find(two, "second")
	find(one, "second")
	one.end()
	add("third")
	t.Logf("found after %v; after %v when the process that wrote had ended", took, find(two, "third"))
}
