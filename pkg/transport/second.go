package transport

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudwego/gopkg/concurrency/gopool"
	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/client/callopt"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/utils"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// backupShare is how many backup requests there may be for a call, so that a service that is slow is not asked for everything
	// twice, and backupBurst how many at once after a quiet time.
	backupShare = 0.1
	backupBurst = 500
)

// target is a service that a process calls.
type target struct {
	r       *Remote
	service string
	methods Methods
	base    []client.Option
	made    *client.Options // of the client, once it is made
	budget  budget
	// backups and retries count second requests.
	backups, retries prometheus.Counter

	// again sends second requests and probes. It is a client of its own, because Kitex makes what it knows of a call in its
	// outermost function. Kitex' own retry policies cost a call that is answered at once 30 allocations and 3 kB.
	again func() (client.Client, error)
}

func newTarget(r *Remote, service string, base []client.Option) *target {
	t := &target{r: r, service: service, methods: r.methods(service), base: base}
	t.backups, t.retries = r.backups.WithLabelValues(service), r.retries.WithLabelValues(service)
	t.budget.left.Store(backupBurst * budgetUnit)
	t.again = sync.OnceValues(func() (client.Client, error) {
		return client.NewClient(t.made.RemoteOpt.SvcInfo, append(slices.Clip(t.base), client.WithDestService(t.service))...)
	})
	return t
}

// options are those of the client that makes the first request of each call.
func (t *target) options() []client.Option {
	return append(slices.Clip(t.base),
		client.Option{F: func(o *client.Options, _ *utils.Slice) { t.made = o }},
		client.WithUnaryOptions(client.WithUnaryMiddleware(t.twice)),
		Outcomes(t.methods))
}

// twice sends a call that may be sent twice to another replica when the first does not answer.
func (t *target) twice(next endpoint.UnaryEndpoint) endpoint.UnaryEndpoint {
	return func(ctx context.Context, args, result any) error {
		ri := rpcinfo.GetRPCInfo(ctx)
		kind := t.methods[ri.Invocation().MethodName()].Kind
		into, ok := result.(utils.KitexResult)
		if kind == Write || !ok {
			return next(ctx, args, result)
		}
		// The first request may go on after the call has its answer. It must not write where that is read.
		private, ok := ri.Invocation().MethodInfo().NewResult().(utils.KitexResult)
		if !ok {
			return next(ctx, args, result)
		}
		t.budget.earn()
		if kind == Read && t.r.backupAfter > 0 {
			return t.hedge(ctx, next, args, into, private)
		}
		err := next(ctx, args, private)
		if err == nil {
			into.SetSuccess(private.GetResult())
			return nil
		}
		if !lost(err) || ctx.Err() != nil {
			return err
		}
		if second := t.retry(ctx, args); second.came() {
			return second
		}
		return err
	}
}

// hedge sends a second request when the first is not answered soon, and when it is lost.
func (t *target) hedge(ctx context.Context, next endpoint.UnaryEndpoint, args any, into, private utils.KitexResult) error {
	first := make(chan error, 1)
	spawn(ctx, func() { first <- next(ctx, args, private) })
	timer := time.NewTimer(t.r.backupAfter)
	defer timer.Stop()
	var second chan *answer
	var failed error
	for {
		select {
		case err := <-first:
			if err == nil {
				into.SetSuccess(private.GetResult())
				return nil
			}
			if !lost(err) || ctx.Err() != nil {
				return err
			}
			if second == nil {
				if a := t.retry(ctx, args); a.came() {
					return a
				}
				return err
			}
			first, failed = nil, err
		case a := <-second:
			if a.came() {
				return a
			}
			if failed != nil {
				return failed
			}
			second = make(chan *answer) // there will not be another
		case <-timer.C:
			if second == nil && t.budget.spend() {
				second = make(chan *answer, 1)
				to := ctx
				spawn(ctx, func() { second <- t.send(to, args, true) })
				t.backups.Inc()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// retry sends a call again whose first request is lost, to another replica if there is one.
func (t *target) retry(ctx context.Context, args any) *answer {
	t.retries.Inc()
	return t.send(ctx, args, false)
}

// send is a second request.
func (t *target) send(ctx context.Context, args any, must bool) *answer {
	ri := rpcinfo.GetRPCInfo(ctx)
	var than string
	if a := ri.To().Address(); a != nil {
		than = a.String()
	}
	cli, err := t.again()
	if err != nil {
		return &answer{err: err}
	}
	t.r.seconds.Add(1)
	defer t.r.seconds.Add(-1)
	result, _ := ri.Invocation().MethodInfo().NewResult().(utils.KitexResult) // twice has made one
	err = cli.Call(context.WithValue(ctx, elsewhere{}, other{than, must}), ri.Invocation().MethodName(), args, result)
	return &answer{result, err}
}

// ask probes one server of the service with a call that it answers without doing anything. A server of an older release does
// what is asked, which therefore is a read, of nothing. A service that has none is taken to be well.
func (t *target) ask(ctx context.Context, address string) error {
	for name, m := range t.methods {
		if m.Kind != Read {
			continue
		}
		cli, err := t.again()
		if err != nil {
			return err
		}
		method := t.made.RemoteOpt.SvcInfo.MethodInfo(ctx, name)
		if method == nil { // one that it has no more, or not yet
			continue
		}
		ctx = client.NewCtxWithCallOptions(ctx, []callopt.Option{callopt.WithHostPort(address)})
		return cli.Call(ctx, name, method.NewArgs(), method.NewResult())
	}
	return nil
}

// spawn runs f on a goroutine that is kept: a new one would grow its stack every time.
func spawn(ctx context.Context, f func()) { gopool.CtxGo(ctx, f) }

// budgetUnit is one request in a budget.
const budgetUnit = 1000

// budget bounds backup requests to a share of the calls.
type budget struct{ left atomic.Int64 }

func (b *budget) earn() {
	if b.left.Load() < backupBurst*budgetUnit {
		b.left.Add(backupShare * budgetUnit)
	}
}

func (b *budget) spend() bool {
	if b.left.Add(-budgetUnit) >= 0 {
		return true
	}
	b.left.Add(budgetUnit)
	return false
}
