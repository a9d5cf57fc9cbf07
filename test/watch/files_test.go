// Package watch_test checks what watches the product: that the files for Prometheus, Alertmanager and Grafana are right,
// and, against the running product, that there is something to see in every panel and nothing to see that is secret.
package watch_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tiktok/deploy/render"
)

const (
	prometheusDir = "../../deploy/prometheus"
	dashboardsDir = "../../deploy/grafana/dashboards"
	operations    = "../../docs/operations.md"
)

// tool finds a program of Debian's prometheus packages; .ci/prometheus.sh installs them.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not here (.ci/prometheus.sh)", name)
	}
	return path
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, name), args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func TestPrometheusFiles(t *testing.T) {
	run(t, "promtool", "check", "config", prometheusDir+"/prometheus.yml")
	run(t, "promtool", "check", "config", prometheusDir+"/prometheus.dns.yml")
	run(t, "promtool", "check", "rules", "--lint-fatal", prometheusDir+"/rules/recording.yml", prometheusDir+"/rules/alerts.yml")
}

func TestAlertRules(t *testing.T) {
	t.Parallel() // days of its own time take seconds of ours
	run(t, "promtool", "test", "rules", prometheusDir+"/rules/tests/alerts.yml")
}

func TestAlertmanagerFiles(t *testing.T) {
	run(t, "amtool", "check-config", "../../deploy/alertmanager/alertmanager.yml", "../../deploy/alertmanager/alertmanager.example.yml")
}

// rule is one rule of Prometheus.
type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var all []rule
	for _, name := range []string{"recording.yml", "alerts.yml"} {
		var file struct{ Groups []struct{ Rules []rule } }
		if err := yaml.Unmarshal(read(t, filepath.Join(prometheusDir, "rules", name)), &file); err != nil {
			t.Fatal(err)
		}
		for _, g := range file.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whoever is woken finds at the alert's link what to do.
func TestAlertsHaveRunbooks(t *testing.T) {
	anchors := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#{2,4} (\w+)$`).FindAllSubmatch(read(t, operations), -1) {
		anchors[strings.ToLower(string(m[1]))] = true
	}
	cases := string(read(t, prometheusDir+"/rules/tests/alerts.yml"))
	alerts := map[string]bool{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		alerts[strings.ToLower(r.Alert)] = true
		link, anchor, _ := strings.Cut(r.Annotations["runbook"], "#")
		if link != "docs/operations.md" || anchor != strings.ToLower(r.Alert) || !anchors[anchor] {
			t.Errorf("%s: %s is no heading of docs/operations.md", r.Alert, r.Annotations["runbook"])
		}
		if r.Annotations["summary"] == "" || !regexp.MustCompile(`^(page|ticket|none)$`).MatchString(r.Labels["severity"]) {
			t.Errorf("%s: severity %q, summary %q", r.Alert, r.Labels["severity"], r.Annotations["summary"])
		}
		if !strings.Contains(cases, `alertname="`+r.Alert+`"`) {
			t.Errorf("%s never fires in rules/tests", r.Alert)
		}
	}
	if len(alerts) < 20 {
		t.Errorf("only %d alerts were read", len(alerts))
	}
	runbook, _, _ := strings.Cut(string(read(t, operations))[strings.Index(string(read(t, operations)), "\n## Alerts\n")+1:], "\n## ")
	for _, m := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(runbook, -1) {
		if !alerts[strings.ToLower(m[1])] {
			t.Errorf("docs/operations.md explains an alert %s that is not there", m[1])
		}
	}
}

// The dashboards in the repository are those that deploy/generate writes.
func TestDashboardsAreGenerated(t *testing.T) {
	kept := map[string]bool{}
	for _, b := range render.Dashboards(render.Services()) {
		want, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		name := b.UID + ".json"
		kept[name] = true
		got, err := os.ReadFile(filepath.Join(dashboardsDir, name))
		if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%s is not what go run ./deploy/generate writes", name)
		} else if err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dashboardsDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !kept[e.Name()] {
			t.Errorf("%s is made by nothing", e.Name())
		}
	}
}
