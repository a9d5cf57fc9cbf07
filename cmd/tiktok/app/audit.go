package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	discoverydb "tiktok/cmd/discovery/dal/db"
	discovery "tiktok/cmd/discovery/service"
	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/kv"
	"tiktok/pkg/sqldb"
)

// progressEvery is how often a long audit says that it goes on.
const progressEvery = 5 * time.Second

// Auditing is what an audit tells.
type Auditing struct {
	// Report hears of each wrong counter, and of the result of each service.
	Report func(format string, args ...any)
	// Progress hears now and then that a long audit goes on. Nil: nobody wants to know.
	Progress func(format string, args ...any)
}

// Audit recounts every counter of every service from the lists that it counts, on whatever store the settings name,
// and reports each one that differs. Counters of likes and comments are exact when the queue is empty; on a store that
// is being written to, a difference may be a write under way. With cfg.Audit.Repair, services that can do so repair first.
// A store that does not exist is an error, and is not made.
func Audit(ctx context.Context, cfg config.Config, a Auditing) (mismatches int, err error) {
	if err := exists(cfg); err != nil {
		return 0, err
	}
	shared, err := kv.Open(ctx, cfg.Cache)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, shared.Close()) }()
	schemas := services.Schemas{}
	defer func() {
		for _, db := range schemas {
			err = errors.Join(err, db.Close())
		}
	}()
	for _, s := range services.All() {
		if s.Migrations == nil {
			continue
		}
		if schemas[s.Name], err = sqldb.Open(ctx, cfg.DB, s.Name); err != nil {
			delete(schemas, s.Name)
			return 0, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	for _, s := range services.All() {
		if s.Audit == nil {
			continue
		}
		n, err := a.audit(ctx, cfg, s, schemas, shared)
		if err != nil {
			return mismatches, fmt.Errorf("%s: %w", s.Name, err)
		}
		mismatches += n
	}
	n, err := a.auditIndex(ctx, cfg)
	if err != nil {
		return mismatches, fmt.Errorf("index: %w", err)
	}
	return mismatches + n, nil
}

// auditIndex compares the index of searches with the catalogue that it is made of.
func (a Auditing) auditIndex(ctx context.Context, cfg config.Config) (wrong int, err error) {
	sql, err := sqldb.Open(ctx, cfg.DB, discovery.Name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, sql.Close()) }()
	wrong, compared, err := discovery.AuditIndex(ctx, cfg.Discovery, discoverydb.New(sql), func(format string, args ...any) {
		a.Report("index: "+format, args...)
	})
	if err == nil && compared {
		a.Report("%-12s compared with the catalogue, %d differences", "index", wrong)
	}
	return wrong, err
}

// exists returns an error when the files of a store in files are not there.
func exists(cfg config.Config) error {
	if cfg.DB.Driver != sqldb.SQLite {
		return nil
	}
	for _, s := range services.All() {
		if s.Audit == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(cfg.DB.Dir, s.Name+".db")); err != nil {
			return fmt.Errorf("there is no data to audit in %s: %w", cfg.DataDir, err)
		}
	}
	return nil
}

// audit recounts one service.
func (a Auditing) audit(
	ctx context.Context, cfg config.Config, s services.Spec, schemas services.Schemas, shared kv.Store,
) (wrong int, err error) {
	store := s.Audit(schemas, shared)
	named := func(format string, args ...any) { a.Report(s.Name+": "+format, args...) }
	counters, err := store.Counters(ctx)
	if err != nil {
		return 0, err
	}
	defer a.goesOn(s.Name, counters)()
	if r, ok := store.(services.Repairer); ok && cfg.Audit.Repair {
		repaired, err := r.Repair(ctx, named)
		if err != nil {
			return 0, err
		}
		a.Report("%-12s %d counters repaired", s.Name, repaired)
	}
	if wrong, err = store.Audit(ctx, named); err != nil {
		return 0, err
	}
	a.Report("%-12s %d counters recounted, %d wrong", s.Name, counters, wrong)
	return wrong, nil
}

// goesOn tells from time to time that a service is being recounted, until the function that it returns is called.
func (a Auditing) goesOn(service string, counters int64) (done func()) {
	if a.Progress == nil {
		return func() {}
	}
	began, stop, ended := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				a.Progress("%s: recounting %d counters, %v so far", service, counters, time.Since(began).Round(time.Second))
			case <-stop:
				return
			}
		}
	}()
	return func() { close(stop); <-ended }
}
