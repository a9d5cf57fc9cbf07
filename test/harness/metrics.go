package harness

import (
	"bufio"
	"bytes"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tiktok/cmd/services"
	"tiktok/config"
)

// Counter reads one metric of all processes, by its labels as they are printed, e.g. `{code="0",method="Feed"}`.
func (d *Deployment) Counter(t testing.TB, name string) map[string]float64 {
	t.Helper()
	line := regexp.MustCompile(`^` + regexp.QuoteMeta(name) + `(\{.*\})? (\S+)$`)
	all := map[string]float64{}
	for _, address := range d.host.metrics() {
		for labels, v := range d.scrape(t, address, line) {
			all[labels] += v
		}
	}
	return all
}

func (d *Deployment) scrape(t testing.TB, address string, line *regexp.Regexp) map[string]float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := d.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: HTTP status %d", address, res.StatusCode)
	}
	found := map[string]float64{}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m := line.FindSubmatch(bytes.TrimSpace(lines.Bytes()))
		if m == nil {
			continue
		}
		v, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			t.Fatalf("%s: %q: %v", address, lines.Text(), err)
		}
		found[string(m[1])] += v
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// Metrics are the addresses, host:port, at which processes answer /metrics, and the names of those processes.
func (d *Deployment) Metrics() map[string]string {
	addresses, names := d.host.metrics(), services.Names()
	if len(addresses) != len(names) {
		names = []string{config.AllInOne}
	}
	out := make(map[string]string, len(addresses))
	for i, a := range addresses {
		out[strings.TrimSuffix(strings.TrimPrefix(a, "http://"), "/metrics")] = names[i]
	}
	return out
}

// RPCs counts the calls that the services have answered so far, by their labels. Calls between services count too, those that gateways
// make without a request do not.
func (d *Deployment) RPCs(t testing.TB) map[string]float64 {
	t.Helper()
	calls := d.Counter(t, "tiktok_rpc_requests_total")
	maps.DeleteFunc(calls, func(labels string, _ float64) bool {
		return strings.Contains(labels, `method="ListRevoked"`) || strings.Contains(labels, `method="TouchSessions"`)
	})
	return calls
}

// Added is what is in after and was not in before, by label.
func Added(before, after map[string]float64) (total float64, by map[string]float64) {
	by = map[string]float64{}
	for labels, v := range after {
		if v > before[labels] {
			by[labels] = v - before[labels]
			total += by[labels]
		}
	}
	return total, by
}
