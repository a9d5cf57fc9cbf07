package transport_test

import (
	"testing"

	"tiktok/kitex_gen/user"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

// BenchmarkCall is what a call costs both sides together, in one process, over each network.
func BenchmarkCall(b *testing.B) {
	transport.KeepGoroutines()
	for _, network := range []struct {
		name string
		open func(testing.TB) deployment
	}{
		{"plain", settings},
		{"mutual TLS", func(t testing.TB) deployment { return newAuthority(t).settings(t) }},
	} {
		b.Run(network.name, func(b *testing.B) {
			c := serve(b, telemetry.Discard(), &users{}, network.open(b))
			b.ReportAllocs()
			b.SetParallelism(16) // callers for each CPU
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := c.Register(b.Context(), &user.RegisterRequest{Username: "somebody"}); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
