package cluster_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// What stands between clients and gateways, a load balancer or a client that has both addresses, and how patient it is.
const (
	// tries is how long one try at one gateway may take, uploads how long one that sends a file.
	tries, uploads = 3 * time.Second, 10 * time.Second
	// dials is how long a connection may take.
	dials = time.Second
	// checks is how often each gateway is asked whether it is ready, and checked how long it may take to answer.
	checks  = 500 * time.Millisecond
	checked = time.Second
)

// balancer sends requests to the gateway of the client's choice, as long as that one is well.
type balancer struct {
	gateways []*gateway
	client   *http.Client
}

type gateway struct {
	url  string
	sick atomic.Bool
}

func newBalancer(urls ...string) *balancer {
	b := &balancer{client: &http.Client{Transport: &http.Transport{
		DialContext: (&net.Dialer{Timeout: dials}).DialContext, MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute,
	}}}
	for _, u := range urls {
		b.gateways = append(b.gateways, &gateway{url: u})
	}
	return b
}

// watch asks the gateways until ctx ends.
func (b *balancer) watch(ctx context.Context) {
	var wg sync.WaitGroup
	for _, g := range b.gateways {
		wg.Go(func() {
			tick := time.NewTicker(checks)
			defer tick.Stop()
			for ctx.Err() == nil {
				g.sick.Store(!b.ready(ctx, g))
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	wg.Wait()
	b.client.CloseIdleConnections()
}

func (b *balancer) ready(ctx context.Context, g *gateway) bool {
	ctx, cancel := context.WithTimeout(ctx, checked)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := b.client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.StatusCode == http.StatusOK
}

// answer is what became of a request.
type answer struct {
	harness.Answer
	outcome harness.Outcome
	err     error
	from    time.Time
	took    time.Duration
	// again is set when the first try had no answer, or one that left it open, and a second one was made.
	again bool
}

// exchange sends one request to the gateway at base.
type exchange func(ctx context.Context, base string) (harness.Answer, error)

// errOpen is an answer that leaves it open whether the request was done.
var errOpen = errors.New("the outcome is not known")

// do sends a request to gateway i, or to the other one when that is known to be sick. A request that was certainly not sent goes to the
// other one, too; so does one without an answer, or with one that leaves its outcome open, if it can be repeated.
func (b *balancer) do(ctx context.Context, i int, patience time.Duration, repeatable bool, send exchange) answer {
	first, second := b.gateways[i], b.gateways[(i+1)%len(b.gateways)]
	if first.sick.Load() && !second.sick.Load() {
		first, second = second, first
	}
	out := answer{from: time.Now()}
	out.Answer, out.outcome, out.err = b.try(ctx, first, patience, send)
	unsent := errors.Is(out.err, syscall.ECONNREFUSED)
	if out.err != nil && ctx.Err() == nil && (unsent || repeatable) {
		out.again = true
		before := out.outcome
		out.Answer, out.outcome, out.err = b.try(ctx, second, patience, send)
		if out.outcome == harness.Refused && before == harness.Unknown {
			out.outcome = harness.Unknown // the first try may have done it
		}
	}
	out.took = time.Since(out.from)
	return out
}

func (b *balancer) try(ctx context.Context, g *gateway, patience time.Duration, send exchange) (harness.Answer, harness.Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := send(ctx, g.url)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		g.sick.Store(true) // until it is asked again
		return a, harness.Refused, err
	case err != nil:
		return a, harness.Unknown, err
	case a.Code == errno.OutcomeUnknown.Code, a.Code == errno.Internal.Code, a.Code == http.StatusInternalServerError:
		return a, harness.Unknown, errOpen
	case a.Code != 0:
		return a, harness.Refused, nil
	}
	return a, harness.Done, nil
}
