package follow

import (
	"context"
	"fmt"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/pkg/lifecycle"
)

const (
	// dead is how old the last sign of life of a process may be.
	dead = 3 * Alive
	// silent is how long a process may say nothing about a job that it has begun. Merging a large index takes a while.
	silent = 2 * time.Minute
	// askEvery is how often the reports are read.
	askEvery = 500 * time.Millisecond
)

// Ask asks all processes that are alive to do a job, and waits until each has done it or has failed, or has said nothing for too long,
// which its report then says. One that dies before it begins is left out. It returns no reports when none is alive. tell hears of the
// reports now and then; nil: nobody wants to know.
func Ask(ctx context.Context, store *db.Store, kind string, tell func([]db.IndexReport)) ([]db.IndexReport, error) {
	alive, err := store.IndexReports(ctx, 0, time.Now().Add(-dead).UnixMilli())
	if err != nil || len(alive) == 0 {
		return nil, err
	}
	job := db.IndexJob{Kind: kind, CreatedAtMs: time.Now().UnixMilli()}
	job.ID = job.CreatedAtMs
	newest, found, err := store.NewestIndexJob(ctx, 0)
	if err != nil {
		return nil, err
	}
	if found {
		job.ID = max(job.ID, newest.ID+1) // clocks differ
	}
	if err := store.AddIndexJob(ctx, job); err != nil {
		return nil, err
	}
	heard := time.Now()
	var last []db.IndexReport
	for {
		if !lifecycle.Pause(ctx, askEvery) {
			return nil, ctx.Err()
		}
		said, err := store.IndexReports(ctx, job.ID, 0)
		if err != nil {
			return nil, err
		}
		if alive, err = store.IndexReports(ctx, 0, time.Now().Add(-dead).UnixMilli()); err != nil {
			return nil, err
		}
		reports, over := joined(job.ID, alive, said)
		if !same(reports, last) {
			heard, last = time.Now(), reports
			if tell != nil {
				tell(reports)
			}
		}
		if over {
			return reports, nil
		}
		if time.Since(heard) > silent {
			for i := range reports {
				if !ended(reports[i]) {
					reports[i].State, reports[i].Message = db.StateFailed, fmt.Sprintf("it has said nothing for %v", silent)
				}
			}
			return reports, nil
		}
	}
}

func ended(r db.IndexReport) bool { return r.State == db.StateDone || r.State == db.StateFailed }

// joined are the reports of those that have begun, and of those that are alive and have not, without a state; whether all have ended.
func joined(job int64, alive, said []db.IndexReport) (all []db.IndexReport, over bool) {
	over = true
	known := map[string]bool{}
	for _, r := range said {
		known[r.Replica] = true
		over = over && ended(r)
		all = append(all, r)
	}
	for _, r := range alive {
		if !known[r.Replica] {
			over = false
			all = append(all, db.IndexReport{JobID: job, Replica: r.Replica, UpdatedMs: r.UpdatedMs})
		}
	}
	return all, over
}

func same(a, b []db.IndexReport) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
