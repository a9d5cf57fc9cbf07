package telemetry

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Register registers c and returns it, or the equal one that is in the registry already: one process may hold several
// services, caches and queues that share a metric. Any other refusal leaves c unregistered, which costs a metric and nothing
// else. So does a nil reg.
func Register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	if reg == nil {
		return c
	}
	var have prometheus.AlreadyRegisteredError
	if err := reg.Register(c); errors.As(err, &have) {
		if shared, ok := have.ExistingCollector.(C); ok {
			return shared
		}
	}
	return c
}
