package transport

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/cloudwego/kitex/pkg/discovery"
	"github.com/cloudwego/kitex/pkg/loadbalance"
)

// rebalancing is what Kitex' balancers are.
type rebalancing interface {
	loadbalance.Loadbalancer
	loadbalance.Rebalancer
}

// balancer gives calls to the servers that answer. It is Kitex' own, weighted round robin, while all of them do.
type balancer struct {
	inner    rebalancing
	replicas *replicas
	r        *Remote
}

// Name implements loadbalance.Loadbalancer. Kitex shares what it knows of a service among all that have the same.
func (b *balancer) Name() string { return fmt.Sprintf("%s-%p", b.inner.Name(), b) }

// GetPicker implements loadbalance.Loadbalancer.
func (b *balancer) GetPicker(found discovery.Result) loadbalance.Picker {
	inner := b.inner.GetPicker(found)
	if b.replicas.avoided.Load() == 0 && b.r.seconds.Load() == 0 {
		return inner
	}
	return &picker{inner: inner, instances: found.Instances, replicas: b.replicas}
}

// Rebalance implements loadbalance.Rebalancer.
func (b *balancer) Rebalance(change discovery.Change) {
	for _, gone := range change.Removed {
		b.replicas.forget(gone.Address().String())
	}
	b.inner.Rebalance(change)
}

// Delete implements loadbalance.Rebalancer.
func (b *balancer) Delete(change discovery.Change) { b.inner.Delete(change) }

// elsewhere is where the context of a second request says which server had the first.
type elsewhere struct{}

// other is what a second request wants: another server than that one, and with must rather none.
type other struct {
	than string
	must bool
}

// picker passes over servers that are suspected, and over the one that has the first request of the same call.
type picker struct {
	inner     loadbalance.Picker
	instances []discovery.Instance
	replicas  *replicas
}

// Next implements loadbalance.Picker. When all are suspected none is.
func (p *picker) Next(ctx context.Context, req any) discovery.Instance {
	not, _ := ctx.Value(elsewhere{}).(other)
	for range p.instances {
		in := p.inner.Next(ctx, req)
		if in == nil {
			return nil
		}
		if a := in.Address().String(); a != not.than && !p.replicas.avoids(a) {
			return in
		}
	}
	// Others pick at the same time, so that the turn of one that answers may not have come.
	var spare discovery.Instance
	for i, from := 0, rand.IntN(len(p.instances)); i < len(p.instances); i++ { //nolint:gosec // no secret
		in := p.instances[(from+i)%len(p.instances)]
		switch a := in.Address().String(); {
		case a == not.than:
		case !p.replicas.avoids(a):
			return in
		default:
			spare = in
		}
	}
	if spare != nil || not.must {
		return spare
	}
	return p.inner.Next(ctx, req)
}
