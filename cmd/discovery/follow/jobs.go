package follow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tiktok/cmd/discovery/dal/db"
	"tiktok/cmd/discovery/index"
	"tiktok/pkg/lifecycle"
	"tiktok/pkg/text"
)

// longText bounds the message of a report, in characters.
const longText = 500

// begin leaves the jobs that are there to the processes that were.
func (f *Follower) begin(ctx context.Context) {
	for {
		job, found, err := f.Store.NewestIndexJob(ctx, 0)
		if err == nil {
			if found {
				f.lastJob = job.ID
			}
			return
		}
		f.Log.Warn("index jobs", "error", err)
		if !lifecycle.Pause(ctx, rest) {
			return
		}
	}
}

// end says that this process does no more jobs.
func (f *Follower) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := f.Store.RemoveIndexReport(ctx, 0, f.Replica); err != nil {
		f.Log.Warn("index", "error", err)
	}
}

// alive says, now and then, that this process can be asked to do jobs, when it is the one that does them.
func (f *Follower) alive(ctx context.Context) error {
	if time.Since(f.saidAlive) < Alive {
		return nil
	}
	f.saidAlive = time.Now()
	info, err := f.Engine.Info(ctx)
	if err == nil {
		f.metrics.docs.Set(float64(info.Docs))
		f.metrics.bytes.Set(float64(info.Bytes))
	} else if !errors.Is(err, index.ErrNoIndex) {
		return err
	}
	leads, err := f.leads(ctx)
	if err != nil || !leads {
		return err
	}
	message := "there is no index yet"
	if info.Engine != "" {
		message = fmt.Sprintf("%s %s, position %d", info.Engine, info.Version, f.pos.Load())
	}
	return f.report(ctx, 0, db.StateAlive, info.Docs, info.Docs, message)
}

func (f *Follower) report(ctx context.Context, job int64, state string, done, total int64, message string) error {
	return f.Store.PutIndexReport(ctx, db.IndexReport{
		JobID: job, Replica: f.Replica, State: state, DoneDocs: done, TotalDocs: total, Message: text.First(message, longText),
		UpdatedMs: f.Now().UnixMilli(),
	})
}

// jobs does the newest job that was added since. Older ones are left out: whoever asks twice wants the same.
func (f *Follower) jobs(ctx context.Context) error {
	job, found, err := f.Store.NewestIndexJob(ctx, f.lastJob)
	if err != nil || !found {
		return err
	}
	leads, err := f.leads(ctx)
	if err != nil {
		return err
	}
	f.lastJob = job.ID
	if !leads {
		return nil
	}
	f.Log.Info("index job", "job", job.ID, "kind", job.Kind)
	message, err := f.job(ctx, job)
	switch {
	case ctx.Err() != nil:
		return nil //nolint:nilerr // nobody waits for a report of a process that ends
	case err != nil:
		f.Log.Error("index job failed", "job", job.ID, "kind", job.Kind, "error", err)
		return f.report(ctx, job.ID, db.StateFailed, 0, 0, err.Error())
	}
	return f.report(ctx, job.ID, db.StateDone, 1, 1, message)
}

// job does one, and says what came of it.
func (f *Follower) job(ctx context.Context, job db.IndexJob) (message string, err error) {
	if err := f.report(ctx, job.ID, db.StateRunning, 0, 0, ""); err != nil {
		return "", err
	}
	// One write each tellEvery; one that fails is a line of progress less, and who waits takes the process for dead only after several.
	tell := func(done, total int64) {
		if err := f.report(ctx, job.ID, db.StateRunning, done, total, ""); err != nil {
			f.Log.Warn("index job", "error", err)
		}
	}
	switch job.Kind {
	case db.JobRebuild:
		began := time.Now()
		if err := f.rebuild(ctx, "asked", tell); err != nil {
			return "", err
		}
		info, err := f.Engine.Info(ctx)
		return fmt.Sprintf("%d documents in %v", info.Docs, time.Since(began).Round(time.Second)), err
	case db.JobCheck:
		return f.check(ctx, tell)
	}
	return "", fmt.Errorf("a job %q is not known here", job.Kind)
}

// check compares the index with the catalogue. What it finds is in the log; the message has the first of it.
func (f *Follower) check(ctx context.Context, tell progress) (string, error) {
	first := ""
	told := time.Now()
	wrong, err := Check(ctx, f.Store, f.Engine, Checking{
		Report: func(format string, args ...any) {
			line := fmt.Sprintf(format, args...)
			f.Log.Error("index differs from the catalogue", "what", line)
			if first == "" {
				first = line
			}
		},
		Progress: func(done, total int64) {
			f.meanwhile(ctx)
			if time.Since(told) >= tellEvery {
				told = time.Now()
				tell(done, total)
			}
		},
	})
	switch {
	case err != nil:
		return "", err
	case wrong > 0:
		return "", fmt.Errorf("%d documents differ from the catalogue: %s", wrong, first)
	}
	return "as the catalogue", nil
}
