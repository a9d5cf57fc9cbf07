package watch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/test/harness"
)

// prometheus is a real one that scrapes a deployment each second with the files of deploy/prometheus.
type prometheus struct {
	url   string
	names map[string]bool // of metrics that it has seen; read anew when one is not there
}

// rateInterval stands in for Grafana's $__rate_interval.
const rateInterval = "20s"

func startPrometheus(t *testing.T, bin string, d *harness.Deployment) *prometheus {
	t.Helper()
	dir, addr := t.TempDir(), harness.FreePort(t)
	config := quick(t, filepath.Join(prometheusDir, "prometheus.yml"), map[string]string{
		`(?m)^  (scrape_interval|scrape_timeout|evaluation_interval): \d+s$`: "  $1: 1s",
		`localhost:9090`: addr,
	})
	write(t, filepath.Join(dir, "prometheus.yml"), config)
	for _, name := range []string{"recording.yml", "alerts.yml"} {
		changes := map[string]string{`groups:`: "groups:"}
		if name == "recording.yml" {
			changes = map[string]string{`(?m)^    interval: \d+[sm]$`: "    interval: 1s"}
		}
		write(t, filepath.Join(dir, "rules", name), quick(t, filepath.Join(prometheusDir, "rules", name), changes))
	}
	var targets []map[string]any
	for _, address := range slices.Sorted(maps.Keys(d.Metrics())) {
		targets = append(targets, map[string]any{
			"targets": []string{address},
			"labels":  map[string]string{"process": d.Metrics()[address]},
		})
	}
	text, err := json.Marshal(targets)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "targets", "tiktok.yml"), string(text))
	harness.RunServer(t, bin, addr, "/-/ready", "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=warn")
	return &prometheus{url: "http://" + addr}
}

// quick is a file with changes that a test needs; each has to be possible.
func quick(t *testing.T, path string, changes map[string]string) string {
	t.Helper()
	text := string(read(t, path))
	for from, to := range changes {
		re := regexp.MustCompile(from)
		if !re.MatchString(text) {
			t.Fatalf("%s has no %s", path, from)
		}
		text = re.ReplaceAllString(text, to)
	}
	return text
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// get asks Prometheus' API and decodes the answer's data.
func (p *prometheus) get(t *testing.T, path string, params url.Values, data any) {
	t.Helper()
	answer := struct{ Data any }{data}
	if err := json.Unmarshal(fetch(t, "GET", p.url+path+"?"+params.Encode(), 200), &answer); err != nil {
		t.Fatal(err)
	}
}

// query is how many values PromQL gives that are numbers. An error is one of the query itself.
func (p *prometheus) query(t *testing.T, expr string) (n int, err error) {
	t.Helper()
	expr = strings.ReplaceAll(expr, "$__rate_interval", rateInterval)
	if strings.Contains(expr, "$") {
		return 0, fmt.Errorf("a variable is left in %s", expr)
	}
	var answer struct {
		Error string
		Data  struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal(fetch(t, "GET", p.url+"/api/v1/query?"+url.Values{"query": {expr}}.Encode(), 200, 400),
		&answer); err != nil {
		t.Fatal(err)
	}
	if answer.Error != "" {
		return 0, errors.New(answer.Error)
	}
	for _, r := range answer.Data.Result {
		if r.Value[1] != "NaN" {
			n++
		}
	}
	return n, nil
}

// exports reports whether a process exports a metric, histograms without their suffix.
func (p *prometheus) exports(t *testing.T, name string) bool {
	t.Helper()
	if !p.names[name] {
		var all []string
		p.get(t, "/api/v1/label/__name__/values", nil, &all)
		p.names = map[string]bool{}
		for _, n := range all {
			p.names[n], p.names[strings.TrimSuffix(n, "_bucket")] = true, true
		}
	}
	return p.names[name]
}

// ruleState is a rule as Prometheus sees it.
type ruleState struct {
	Name, Health, LastError, State string
	Labels                         map[string]string
}

// rules are all rules, once each has been evaluated.
func (p *prometheus) rules(t *testing.T) (all []ruleState) {
	t.Helper()
	harness.Eventually(t, 30*time.Second, func() error {
		var data struct{ Groups []struct{ Rules []ruleState } }
		p.get(t, "/api/v1/rules", nil, &data)
		all = nil
		for _, g := range data.Groups {
			all = append(all, g.Rules...)
		}
		for _, r := range all {
			if r.Health == "unknown" {
				return fmt.Errorf("%s has not been evaluated", r.Name)
			}
		}
		return nil
	})
	return all
}
