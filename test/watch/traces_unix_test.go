//go:build unix

package watch_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"tiktok/test/harness"
)

// BenchmarkTraces is what traces cost a feed page of 30 videos in the all-in-one, client and server in this process: compare
// the processor time ("cpu-µs/op") of the three.
func BenchmarkTraces(b *testing.B) {
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer collector.Close()
	for _, c := range []struct {
		name string
		opts []harness.Option
	}{
		{"off", nil},
		{"sampled out", []harness.Option{
			harness.Set("telemetry.otlp_endpoint", collector.URL),
			harness.Set("telemetry.sample_ratio", "0"),
		}},
		{"sampled 1 of 100", []harness.Option{
			harness.Set("telemetry.otlp_endpoint", collector.URL),
			harness.Set("telemetry.sample_ratio", "0.01"),
		}},
		{"sampled in", []harness.Option{harness.Set("telemetry.otlp_endpoint", collector.URL)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := harness.AllInOne(b, options(c.opts...)...)
			u := d.NewUser(b)
			for i := range 30 {
				u.Publish(b, fmt.Sprintf("clip %d", i))
			}
			r := harness.Request{Method: http.MethodGet, Path: harness.PathFeed, Query: harness.Params("token", u.Token)}
			for range 200 {
				d.Raw(b, r)
			}
			b.ReportAllocs()
			before := processorTime(b)
			for b.Loop() {
				d.Raw(b, r)
			}
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// processorTime is what this process has taken so far.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
