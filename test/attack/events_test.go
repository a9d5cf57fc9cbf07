package attack_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"tiktok/cmd/api/biz/streams"
	"tiktok/test/harness"
)

// hoardStreams opens event streams without end, as 60 members from two addresses, and reads nothing of them. Somebody else has one
// meanwhile.
func hoardStreams(t *testing.T, v *victim) (opened int) {
	ctx, cancel := context.WithTimeout(t.Context(), holdFor)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 3000 {
		wg.Go(func() {
			head := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
				harness.PathEvents, v.users[i%len(v.users)].Token)
			for ctx.Err() == nil {
				if c, err := v.dial(ctx, attackerAddr(i%2)); err == nil {
					mu.Lock()
					opened++
					mu.Unlock()
					keep(ctx, c, []byte(head), nil)
					_ = c.Close() // whatever the server thinks of it
				}
				harness.Until(ctx, time.Now().Add(time.Second))
			}
		})
	}
	bystander := make(chan error, 1)
	go func() { bystander <- v.streamOfBystander(ctx) }()
	most := 0.0
	for harness.Until(ctx, time.Now().Add(lookEvery)) {
		for _, n := range v.Counter(t, "tiktok_streams_open") {
			most = max(most, n)
		}
	}
	wg.Wait()
	if limit := float64(len(v.users)*streams.PerUser + 1); most > limit || most < 1 {
		v.lost("%.0f streams are open, %.0f may be", most, limit)
	}
	if err := <-bystander; err != nil {
		v.lost("a bystander has no stream: %v", err)
	}
	return opened
}

// streamOfBystander opens one and keeps it until ctx ends.
func (v *victim) streamOfBystander(ctx context.Context) error {
	// The request's own context: ending it is no failure of the stream.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.URL()+harness.PathEvents, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+v.bystander.Token)
	c := client(bystanderAddr, false)
	c.Timeout = 0
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
	}
	if ctx.Err() == nil {
		return fmt.Errorf("the stream has ended")
	}
	return nil
}
