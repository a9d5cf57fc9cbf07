package watch_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/deploy/render"
	"tiktok/test/harness"
)

// maxSeries is more than a process of the distributed deployment may export, maxAllInOne more than the process that is all
// of them.
const (
	maxSeries   = 1000
	maxAllInOne = 2500
)

// stableRounds is how often everything is done until there is no new series any more.
const stableRounds = 8

// dataWithin bounds the wait until every panel shows something.
const dataWithin = 60 * time.Second

func options(more ...harness.Option) []harness.Option {
	return append(more, harness.WithoutLimits(), harness.Set("telemetry.log_format", "json"))
}

// withMedia lets ffmpeg work, when it is there.
func withMedia() harness.Option { return harness.Set("media.ffmpeg", "") }

func TestAllInOne(t *testing.T) {
	d := harness.AllInOne(t, options()...)
	v := newDriver(d)
	v.drive(t)
	v.drive(t)
	checkSeries(t, v, maxAllInOne)
	checkLogs(t, v)
}

func TestDistributed(t *testing.T) {
	bin := tool(t, "prometheus")
	d := harness.Distributed(t, options(withMedia())...)
	v := newDriver(d)
	v.drive(t)
	p := startPrometheus(t, bin, d)
	v.drive(t)
	t.Run("panels", func(t *testing.T) { checkPanels(t, v, p) })
	t.Run("rules", func(t *testing.T) { checkRules(t, v, p) })
	t.Run("series", func(t *testing.T) { checkSeries(t, v, maxSeries) })
	t.Run("metrics", func(t *testing.T) { checkDocumented(t, v); checkStyle(t, v) })
	t.Run("level", func(t *testing.T) { checkLevel(t, v) })
	t.Run("logs", func(t *testing.T) { checkLogs(t, v) })
}

// checkPanels asks each query of each dashboard until it answers.
func checkPanels(t *testing.T, v *driver, p *prometheus) {
	open := map[string]string{} // by query, where it stands
	for _, b := range render.Dashboards(render.Services()) {
		for _, q := range b.Queries() {
			where := fmt.Sprintf("%s: %s", b.UID, q.Expr)
			if q.MayBeEmpty == "" {
				open[q.Expr] = where
				continue
			}
			if _, err := p.query(t, q.Expr); err != nil {
				t.Errorf("%s: %v", where, err)
			}
			for _, name := range metricNames(q.Expr) {
				if !p.exports(t, name) && !declared(t, name) {
					t.Errorf("%s: there is no metric %s", where, name)
				}
			}
		}
	}
	if len(open) < 80 {
		t.Fatalf("only %d queries were found", len(open))
	}
	deadline := time.Now().Add(dataWithin)
	for rounds := 0; len(open) > 0 && !t.Failed(); rounds++ {
		for expr, where := range open {
			n, err := p.query(t, expr)
			if err != nil {
				t.Errorf("%s: %v", where, err)
			}
			if n > 0 || err != nil {
				delete(open, expr)
			}
		}
		if len(open) > 0 && time.Now().After(deadline) {
			t.Errorf("no data for\n%s", strings.Join(slices.Sorted(maps.Values(open)), "\n"))
			return
		}
		v.drive(t)
	}
}

// checkRules: each rule is evaluated without an error, each recording rule gives data, and each alert asks for metrics
// that exist. Nothing is wrong, so nothing that would wake somebody fires.
func checkRules(t *testing.T, v *driver, p *prometheus) {
	for _, r := range rules(t) {
		if r.Record != "" {
			harness.Eventually(t, dataWithin, func() error {
				if n, err := p.query(t, r.Record); err != nil || n == 0 {
					return fmt.Errorf("%s: %d values, %v", r.Record, n, err) //nolint:errorlint // it may be nil
				}
				return nil
			})
		}
		for _, name := range metricNames(r.Expr) {
			if !p.exports(t, name) && !declared(t, name) {
				t.Errorf("%s%s: there is no metric %s", r.Record, r.Alert, name)
			}
		}
	}
	for _, r := range p.rules(t) {
		if r.Health != "ok" {
			t.Errorf("%s: %s %s", r.Name, r.Health, r.LastError)
		}
		if r.State == "firing" && r.Labels["severity"] == "page" {
			t.Errorf("%s fires although all is well", r.Name)
		}
	}
}

// metricNames are the names of our own, Go's and the process's metrics in PromQL, without the suffixes of histograms.
func metricNames(expr string) []string {
	expr = regexp.MustCompile(`\{[^}]*\}|by \([^)]*\)`).ReplaceAllString(expr, "")
	var names []string
	for _, name := range regexp.MustCompile(`(?:^|[^\w:])((?:tiktok|go|process)_\w+)`).FindAllStringSubmatch(expr, -1) {
		names = append(names, regexp.MustCompile(`_bucket$`).ReplaceAllString(name[1], ""))
	}
	return names
}

// declared reports whether the code has a metric of that name: one with labels is exported from its first event on.
func declared(t *testing.T, name string) bool {
	t.Helper()
	found := false
	for _, root := range []string{"../../pkg", "../../cmd"} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || found || e.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			found = strings.Contains(string(text), `"`+name+`"`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// exposition is what each process exports, by its address.
func exposition(t *testing.T, d *harness.Deployment) map[string]string {
	t.Helper()
	all := map[string]string{}
	for address := range d.Metrics() {
		all[address] = string(fetch(t, http.MethodGet, "http://"+address+"/metrics", http.StatusOK))
	}
	return all
}

func fetch(t *testing.T, method, url string, want ...int) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || !slices.Contains(want, res.StatusCode) {
		t.Fatalf("%s: status %d, %v: %.300s", url, res.StatusCode, err, body)
	}
	return body
}

// seriesOf are the lines of an exposition without their values.
func seriesOf(text string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(text) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			all[line[:i]] = true
		}
	}
	return all
}

// checkSeries: the number of series has a bound, new people and new videos do not add to it, and no label holds an id.
func checkSeries(t *testing.T, v *driver, limit int) {
	names := v.d.Metrics()
	before := exposition(t, v.d)
	after := before
	// Work in the background begins when it likes, and has series of its own then. A label with an id in it would have a
	// new value in every round.
	for round := 1; ; round++ {
		v.drive(t)
		after = exposition(t, v.d)
		var added []string
		for address, text := range after {
			was := seriesOf(before[address])
			for s := range seriesOf(text) {
				if !was[s] {
					added = append(added, names[address]+": "+s)
				}
			}
		}
		if len(added) == 0 {
			break
		}
		if round == stableRounds {
			t.Errorf("the same requests of other people make new series, round after round:\n%s", strings.Join(added, "\n"))
			break
		}
		before = after
	}
	label := regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
	id := regexp.MustCompile(`\d{9}|user\d+x\d+`)
	for address, text := range after {
		all := seriesOf(text)
		t.Logf("%s exports %d series", names[address], len(all))
		if len(all) > limit || len(all) < 50 {
			t.Errorf("%s exports %d series, want up to %d", names[address], len(all), limit)
		}
		for s := range all {
			for _, m := range label.FindAllStringSubmatch(s, -1) {
				if v.ids[m[2]] || m[1] != "revision" && m[1] != "path" && id.MatchString(m[2]) {
					t.Errorf("%s: label %s holds an id: %s", names[address], m[1], s)
				}
			}
		}
	}
}

// checkDocumented: docs/operations.md explains each metric of ours.
func checkDocumented(t *testing.T, v *driver) {
	docs := string(read(t, operations))
	for _, text := range exposition(t, v.d) {
		for _, m := range regexp.MustCompile(`(?m)^# TYPE (tiktok_\w+) `).FindAllStringSubmatch(text, -1) {
			if !strings.Contains(docs, "`"+m[1]+"`") {
				t.Errorf("docs/operations.md does not explain %s", m[1])
			}
		}
	}
}

// checkStyle has promtool look at names and help texts.
func checkStyle(t *testing.T, v *driver) {
	names := v.d.Metrics()
	for address, text := range exposition(t, v.d) {
		cmd := exec.CommandContext(t.Context(), tool(t, "promtool"), "check", "metrics")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", names[address], err, out)
		}
	}
}

// checkLevel changes how much the gateway logs while it runs.
func checkLevel(t *testing.T, v *driver) {
	var admin string
	for address, name := range v.d.Metrics() {
		if name == "api" {
			admin = "http://" + address + "/loglevel"
		}
	}
	request := func(id string) int {
		v.d.Raw(t, harness.Request{Method: http.MethodGet, Path: "/healthz", Header: http.Header{"X-Request-Id": {id}}})
		return strings.Count(v.d.Logs(t), id)
	}
	fetch(t, http.MethodPut, admin+"?level=error", http.StatusOK)
	if n := request("quiet-request"); n != 0 {
		t.Errorf("at level error a request is logged %d times", n)
	}
	fetch(t, http.MethodPut, admin+"?level=loud", http.StatusBadRequest)
	fetch(t, http.MethodPut, admin+"?level=info", http.StatusOK)
	harness.Eventually(t, 5*time.Second, func() error {
		if request("usual-request") == 0 {
			return errors.New("at level info requests are not logged")
		}
		return nil
	})
}

// checkLogs: each line is JSON and says who says what when; a request has one line; nothing secret is there.
func checkLogs(t *testing.T, v *driver) {
	v.d.Raw(t, harness.Request{
		Method: http.MethodGet, Path: "/douyin/feed/", RawQuery: "token=" + v.secrets[0],
		Header: http.Header{"X-Request-Id": {"one-line"}},
	})
	requests := func() (n int) {
		for line := range strings.Lines(v.d.Logs(t)) {
			if strings.Contains(line, `"msg":"request"`) && strings.Contains(line, `"request_id":"one-line"`) {
				n++
			}
		}
		return n
	}
	harness.Eventually(t, 5*time.Second, func() error {
		if requests() == 0 {
			return errors.New("the request is not logged")
		}
		return nil
	})
	if n := requests(); n != 1 {
		t.Errorf("a request has %d lines", n)
	}
	secrets := append(slices.Clone(v.secrets), confided)
	if s := v.d.Config.Auth.Secret; s != "" {
		secrets = append(secrets, s)
	}
	lines := 0
	for line := range strings.Lines(v.d.Logs(t)) {
		lines++
		var record struct {
			Time                time.Time
			Level, Msg, Service string
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Time.IsZero() || record.Level == "" ||
			record.Msg == "" || record.Service == "" {
			t.Errorf("not a record: %v: %s", err, line)
		}
		for _, secret := range secrets {
			if strings.Contains(line, secret) {
				t.Errorf("%q is in the log: %s", secret, line)
			}
		}
	}
	if lines < 50 {
		t.Errorf("only %d lines were logged: the test shows nothing", lines)
	}
}
