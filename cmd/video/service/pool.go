package service

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"tiktok/cmd/video/dal/db"
)

// runPool does what is due in the lanes, at most slots rows at once, the first lane first, and in each lane in turn between authors. The
// last of several slots is kept for another author than the one who has all the others: jobs are long.
func (w *worker) runPool(ctx context.Context, wake <-chan struct{}, slots int, do func(context.Context, *job) error, lanes ...int) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := make(chan struct{}, slots)
	by := authorJobs{limit: slots - 1, jobs: map[int64]int{}}
	tick := time.NewTicker(w.Poll)
	defer tick.Stop()
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if j := w.claim(ctx, lanes, by.atLimit()); j != nil {
			by.add(j.row.AuthorID, 1)
			wg.Go(func() {
				defer func() {
					by.add(j.row.AuthorID, -1)
					<-free
				}()
				w.runJob(ctx, j, do)
			})
			continue
		}
		<-free
		select {
		case <-wake:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// authorJobs counts the jobs of a loop by author.
type authorJobs struct {
	// limit is how many one may have; below 1 it is not bounded.
	limit int

	mu   sync.Mutex
	jobs map[int64]int
}

func (a *authorJobs) add(author int64, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.jobs[author] += n; a.jobs[author] == 0 {
		delete(a.jobs, author)
	}
}

// atLimit is an author who may have no more, 0 for none. While a slot is free there can be only one.
func (a *authorJobs) atLimit() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	for author, n := range a.jobs {
		if a.limit > 0 && n >= a.limit {
			return author
		}
	}
	return 0
}

// claim takes the lease of the row that is next in the first of the lanes that has one, nil when none has.
func (w *worker) claim(ctx context.Context, lanes []int, except int64) *job {
	for _, lane := range lanes {
		if ctx.Err() != nil {
			return nil
		}
		now := w.now()
		wanted := db.Wanted{Lane: lane, Except: except, UntilMs: now.Add(w.Lease).UnixMilli(), Token: rand.Text()}
		row, former, ok, err := w.store.Claim(ctx, wanted, now.UnixMilli())
		switch {
		case err != nil && ctx.Err() == nil:
			w.log.Warn("looking for media work failed", "err", err)
			return nil
		case ok:
			return &job{row: row, former: former}
		}
	}
	return nil
}
