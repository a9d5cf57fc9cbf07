// Command bench measures a feed page of 30 videos by 30 authors, as a logged-in user, over the public API: a closed
// loop of a fixed number of connections. It prints requests per second and latencies. See run.sh.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/cloudwego/hertz/pkg/app/client"
	"github.com/cloudwego/hertz/pkg/protocol"
)

// maxRun bounds a measurement, whatever the flags say.
const maxRun = 10 * time.Minute

func main() {
	url := flag.String("url", "http://127.0.0.1:10001", "base `URL` of a deployment on this machine, started with limits.driver=off")
	conns := flag.Int("conns", 32, "connections, each with one request at a time")
	duration := flag.Duration("duration", 10*time.Second, "how long to measure")
	clip := flag.String("clip", "cmd/tiktok/app/demo/clips/aurora.mp4", "`file` that the 30 authors publish")
	flag.Parse()
	if err := run(*url, *conns, min(*duration, maxRun), *clip); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(url string, conns int, duration time.Duration, clip string) error {
	ctx, cancel := context.WithTimeout(context.Background(), duration+2*time.Minute)
	defer cancel()
	c, err := client.NewClient(client.WithMaxConnsPerHost(conns), client.WithDialTimeout(5*time.Second))
	if err != nil {
		return err
	}
	a := api{client: c, url: url}
	tokens, err := a.prepare(ctx, clip)
	if err != nil {
		return err
	}
	fmt.Printf("feed-auth, 30 videos by 30 authors, %d connections, %v\n", conns, duration)
	a.load(ctx, tokens, conns, 2*time.Second) // caches, connections, compiled codecs
	took, failed, bytes := a.load(ctx, tokens, conns, duration)
	if len(took) == 0 {
		return errors.New("no request was answered")
	}
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(10 * time.Microsecond) }
	fmt.Printf("requests/s %.0f   p50 %v   p90 %v   p99 %v   max %v   errors %d   bytes/page %d\n",
		float64(len(took))/duration.Seconds(), at(.5), at(.9), at(.99), at(1), failed, bytes)
	return nil
}

// load runs the closed loop and returns the latency of every good answer, the number of bad ones, and a page's size.
func (a api) load(ctx context.Context, tokens []string, conns int, duration time.Duration) (took []time.Duration, failed, bytes int) {
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range conns {
		wg.Go(func() {
			var mine []time.Duration
			var bad, size int
			req, resp := protocol.AcquireRequest(), protocol.AcquireResponse()
			defer protocol.ReleaseRequest(req)
			defer protocol.ReleaseResponse(resp)
			for n := 0; ctx.Err() == nil; n++ {
				req.Reset()
				resp.Reset()
				req.SetRequestURI(a.url + "/douyin/feed/?token=" + tokens[(i+n)%len(tokens)])
				start := time.Now()
				err := a.client.Do(context.WithoutCancel(ctx), req, resp)
				if err != nil || resp.StatusCode() != 200 || !ok(resp.Body()) {
					bad++
					continue
				}
				mine = append(mine, time.Since(start))
				size = len(resp.Body())
			}
			mu.Lock()
			defer mu.Unlock()
			took, failed, bytes = append(took, mine...), failed+bad, max(bytes, size)
		})
	}
	wg.Wait()
	return took, failed, bytes
}
