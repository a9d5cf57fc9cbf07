package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	// atOnceLimit is how long somebody may wait for the answer to a small upload.
	atOnceLimit = 3 * time.Second
	// atOnceSeconds is the length of the clips that are uploaded at once.
	atOnceSeconds = 3
)

// atOnce measures how soon small uploads are answered that come at the same moment, each of another user, where there is
// ffmpeg and the worker makes ladders of what came before.
func (m *mediaBench) atOnce(ctx context.Context) error {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		m.text.WriteString("No figures of uploads at once: ffmpeg is not installed.\n\n")
		return nil //nolint:nilerr // said in words
	}
	clip := filepath.Join(m.dir, "small.mp4")
	making, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=640x360:rate=30:duration=%d", atOnceSeconds),
		"-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=440:duration=%d", atOnceSeconds),
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", clip).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, making)
	}
	stat, err := os.Stat(clip)
	if err != nil {
		return err
	}
	fmt.Fprintf(&m.text, "Clips of %d KB, %d s, 640 x 360, uploaded at the same moment by as many users, with ffmpeg, ladders being made meanwhile:\n\n",
		stat.Size()/1000, atOnceSeconds)
	fmt.Fprintf(&m.text, "| uploads | answered within %v | p50 | worst | refused | listed | gateway before | at most |\n|---|---|---|---|---|---|---|---|\n", atOnceLimit)
	for _, n := range []int{10, 30, 60} {
		if err := m.atOnceOf(ctx, n, clip); err != nil {
			return err
		}
	}
	m.text.WriteString("\n")
	return nil
}

// atOnceOf is one line of the table.
func (m *mediaBench) atOnceOf(ctx context.Context, n int, clip string) (err error) {
	first, p, err := m.start(ctx, fmt.Sprint("at-once-", n), map[string]string{"media.ffmpeg": "", "media.background": "true"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	users := make([]*mediaUser, n)
	for i := range users {
		users[i] = &mediaUser{base: first.base}
		if err := users[i].register(ctx, fmt.Sprint("uploader", i)); err != nil {
			return err
		}
	}
	for i := range clips { // the worker has something to do
		if err := first.upload(ctx, fmt.Sprint("before ", i), clip); err != nil {
			return err
		}
	}
	before, err := freshPeak(p.pid())
	if err != nil {
		return err
	}
	took, errs := make([]time.Duration, n), make([]error, n)
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for i, u := range users {
		wg.Go(func() {
			<-gate
			began := time.Now()
			errs[i] = u.upload(ctx, fmt.Sprint("at once ", i), clip)
			took[i] = time.Since(began)
		})
	}
	close(gate)
	wg.Wait()
	after, err := readUsage(p.pid())
	if err != nil {
		return err
	}
	soon, refused, listed := 0, 0, 0
	for i, u := range users {
		if took[i] <= atOnceLimit {
			soon++
		}
		if errs[i] != nil {
			refused++
			fmt.Fprintf(m.out, "upload %d of %d: %v\n", i, n, errs[i])
		}
		works, err := u.works(ctx)
		if err != nil {
			return err
		}
		listed += len(works)
	}
	slices.Sort(took)
	const mb = 1 << 20
	fmt.Fprintf(&m.text, "| %d | %d | %s | %s | %d | %d | %d MB | %d MB |\n",
		n, soon, shortly(took[n/2]), shortly(took[n-1]), refused, listed, before.RSS/mb, after.Peak/mb)
	return nil
}
