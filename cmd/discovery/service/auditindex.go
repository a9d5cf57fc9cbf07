package service

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/follow"
	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/bleveindex"
	"tiktok/config"
)

// AuditIndex compares the index with the catalogue: the processes that run are asked to compare theirs; when none runs, the one that the
// settings name is read. It reports each difference, of a process that runs the first. An index that is not there is no difference, since
// it is built from the catalogue: compared is false then.
func AuditIndex(
	ctx context.Context, cfg config.Discovery, store *db.Store, report func(format string, args ...any),
) (wrong int, compared bool, err error) {
	reports, err := follow.Ask(ctx, store, db.JobCheck, nil)
	if err != nil {
		return 0, false, err
	}
	for _, r := range reports {
		if r.State == db.StateFailed {
			wrong++
			report("%s: %s", r.Replica, r.Message)
		}
	}
	if len(reports) > 0 {
		return wrong, true, nil
	}
	e, _, err := OpenEngine(cfg, true, slog.New(slog.DiscardHandler))
	if err == nil {
		defer func() { err = errors.Join(err, e.Close()) }()
		wrong, err = follow.Check(ctx, store, e, follow.Checking{Report: report})
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, index.ErrNoIndex):
		report("there is none; the service builds it when it starts")
		return 0, false, nil
	case errors.Is(err, bleveindex.ErrInUse), errors.Is(err, index.ErrUnavailable):
		report("it is not compared: %v", err)
		return 0, false, nil
	}
	return wrong, err == nil, err
}
