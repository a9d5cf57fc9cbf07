package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/follow"
	discovery "tiktok/cmd/discovery/service"
	"tiktok/cmd/internal/boot"
	"tiktok/config"
	"tiktok/pkg/sqldb"
)

func searchIndex(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "index", Short: "Build the index of searches again, or compare it with the catalogue"}
	const how = "Processes of the discovery service that run are asked to do it, each with its own index. When none runs it is done " +
		"here, in the folder\nor cluster that the settings name."
	cmd.AddCommand(
		indexJob(environ, db.JobRebuild, &cobra.Command{
			Use:   "rebuild",
			Short: "Build the index again from the catalogue, while the old one serves",
			Long:  "Build the index again from the catalogue. The old one serves, and follows, until the new one is complete.\n" + how,
		}),
		indexJob(environ, db.JobCheck, &cobra.Command{
			Use:   "check",
			Short: "Compare the index with the catalogue; exit code 1 when it differs",
			Long:  "Compare the index with the catalogue, by counts and checksums of ranges, and name what differs.\n" + how,
		}),
	)
	return cmd
}

func indexJob(environ []string, kind string, cmd *cobra.Command) *cobra.Command {
	s := addSettings(cmd, environ)
	s.data(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p := config.AllInOneProcess()
		cfg, err := s.load(p)
		if err != nil {
			return err
		}
		return s.process(cmd, p, cfg, func(ctx context.Context, p *boot.Process) error {
			return runIndexJob(ctx, p, kind, printer(cmd))
		})
	}
	return cmd
}

func runIndexJob(ctx context.Context, p *boot.Process, kind string, say func(string, ...any)) (err error) {
	if p.Config.DB.Driver == sqldb.SQLite {
		if _, err := os.Stat(filepath.Join(p.Config.DB.Dir, discovery.Name+".db")); err != nil {
			return fmt.Errorf("there is no data in %s: %w", p.Config.DataDir, err)
		}
	}
	sql, err := sqldb.Open(ctx, p.Config.DB, discovery.Name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sql.Close()) }()
	store := db.New(sql)
	told := map[string]string{}
	reports, err := follow.Ask(ctx, store, kind, func(reports []db.IndexReport) {
		for _, r := range reports {
			if line := reportLine(r); told[r.Replica] != line {
				told[r.Replica] = line
				say("%s: %s", r.Replica, line)
			}
		}
	})
	if err != nil {
		return err
	}
	failed := 0
	for _, r := range reports {
		if r.State == db.StateFailed {
			failed++
		}
	}
	switch {
	case failed > 0:
		return fmt.Errorf("%d of %d processes failed", failed, len(reports))
	case len(reports) > 0:
		return nil
	}
	say("no process of the service runs: it is done here")
	return indexJobHere(ctx, p, store, kind, say)
}

// reportLine says how far a process is.
func reportLine(r db.IndexReport) string {
	switch {
	case r.State == "":
		return "asked"
	case r.State == db.StateRunning && r.TotalDocs > 0:
		return progressLine(r.DoneDocs, r.TotalDocs)
	case r.Message != "":
		return r.State + ": " + r.Message
	}
	return r.State
}

func progressLine(done, total int64) string {
	return fmt.Sprintf("%d of %d documents, %d%%", done, max(total, done), done*100/max(total, done, 1))
}

// indexJobHere does a job in this process.
func indexJobHere(ctx context.Context, p *boot.Process, store *db.Store, kind string, say func(string, ...any)) (err error) {
	e, _, err := discovery.OpenEngine(p.Config.Discovery, kind == db.JobCheck, p.Telemetry.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	began, last := time.Now(), time.Now()
	tell := func(done, total int64) {
		if time.Since(last) >= time.Second {
			last = time.Now()
			say("%s", progressLine(done, total))
		}
	}
	if kind == db.JobRebuild {
		docs, err := follow.Rebuild(ctx, store, e, func(done, total int64) error { tell(done, total); return nil })
		if err == nil {
			say("done: %d documents in %v", docs, time.Since(began).Round(time.Second))
		}
		return err
	}
	wrong, err := follow.Check(ctx, store, e, follow.Checking{Report: say, Progress: tell})
	switch {
	case err != nil:
		return err
	case wrong > 0:
		return fmt.Errorf("%d documents differ from the catalogue", wrong)
	}
	say("done: as the catalogue")
	return nil
}
