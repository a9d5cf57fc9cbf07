package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// profile fetches a processor profile of the measured time from each of our processes into a folder, for go tool pprof.
func (s *session) profile(ctx context.Context, scenario string, d time.Duration) error {
	if err := os.MkdirAll(s.opts.profiles, 0o755); err != nil {
		return err
	}
	seconds := max(1, int(d.Seconds()))
	errs := make([]error, len(s.dep.services))
	var wg sync.WaitGroup
	for i, svc := range s.dep.services {
		wg.Go(func() {
			b, err := get(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", svc.admin, seconds))
			if err == nil {
				name := fmt.Sprintf("%s-%s-%s.pprof", s.dep.name, scenario, svc.name)
				err = os.WriteFile(filepath.Join(s.opts.profiles, name), b, 0o644)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
