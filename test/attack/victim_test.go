package attack_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/test/harness"
)

// The aims of every attack.
const (
	// maxFeed is the time within which 99 of 100 of a bystander's feed pages come meanwhile.
	maxFeed = time.Second
	// maxMemory is what the process may hold at most, in bytes.
	maxMemory = 600 << 20
)

const (
	// lookEvery is the pause between two of the bystander's requests.
	lookEvery = 50 * time.Millisecond
	// lookTimeout is how long the bystander waits for one.
	lookTimeout = 20 * time.Second
	// bystanderAddr is where the bystander comes from: not where attackers do.
	bystanderAddr = "127.0.200.1"
)

// victim is the product under attack, seen from outside.
type victim struct {
	*harness.Deployment
	// users were made by prepare, bystander is somebody else.
	users     []*harness.User
	bystander *harness.User

	mu  sync.Mutex
	got []string // what got through, guarded by mu
}

// lost notes something that the attack achieved and must not.
func (v *victim) lost(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.got = append(v.got, fmt.Sprintf(format, args...))
}

func (a attack) against(t *testing.T) {
	opts := []harness.Option{harness.Set("demo.enabled", "true"), harness.Set("gateway.max_upload_bytes", strconv.Itoa(200<<20))}
	if a.options != nil {
		opts = append(opts, a.options(t)...)
	}
	v := &victim{}
	dir := filepath.Join(t.TempDir(), "data")
	if a.prepare != nil {
		// Without limits, which are for attackers; then the same data with those that are shipped.
		v.Deployment = harness.AllInOneProcess(t, append(opts, harness.Dir(dir), harness.WithoutLimits())...)
		a.prepare(t, v)
		v.bystander = v.NewUser(t)
		v.Stop(t)
	}
	v.Deployment = harness.AllInOneProcess(t, append(opts, harness.Dir(dir))...)
	if v.bystander == nil {
		v.bystander = v.NewUser(t)
	}
	pid := v.PID(t, config.AllInOne)
	if err := harness.ForgetPeak(pid); err != nil {
		t.Logf("the peak of memory includes the start: %v", err)
	}
	before, began := usage(t, pid), time.Now()
	stop := v.watch(t)
	requests := a.run(t, v)
	took := time.Since(began)
	seen := stop()
	used, err := harness.UsageOf(pid)
	if err != nil {
		v.lost("the process ended")
		row(t, a.name, requests, took, 0, 0, seen, v.got)
		return
	}
	if seen.p99 > maxFeed {
		v.lost("a bystander's feed takes %v", seen.p99.Round(time.Millisecond))
	}
	if seen.failed > 0 {
		v.lost("%d of %d feed pages of a bystander failed: %v", seen.failed, seen.pages, seen.err)
	}
	if used.Peak > maxMemory {
		v.lost("%d MB of memory", used.Peak>>20)
	}
	row(t, a.name, requests, took, used.CPU-before.CPU, used.Peak, seen, v.got)
}

// row prints the attack's line, into the table too when there is one, and fails the test for what got through.
func row(t *testing.T, name string, requests int, took, cpu time.Duration, peak int64, seen sight, got []string) {
	t.Helper()
	held := "held"
	if len(got) > 0 {
		held = "NOT HELD: " + strings.Join(got, "; ")
	}
	line := fmt.Sprintf("%-40s %9d %8.1f %8.2f %9d %9d  %s",
		name, requests, took.Seconds(), cpu.Seconds(), peak>>20, seen.p99.Milliseconds(), held)
	t.Log(line)
	if path := os.Getenv("TIKTOK_ATTACK_TABLE"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintln(f, line); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(got) > 0 {
		t.Error(strings.Join(got, "\n"))
	}
}

// sight is what the bystander has seen.
type sight struct {
	p99           time.Duration
	pages, failed int
	err           error // of one of those that failed
}

// watch lets a bystander scroll until the returned function is called: a member who asks for the feed all the time, every
// other time through a new connection.
func (v *victim) watch(t *testing.T) (stop func() sight) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan sight, 1)
	go func() {
		var s sight
		var took []time.Duration
		kept, fresh := client(bystanderAddr, true), client(bystanderAddr, false)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				slices.Sort(took)
				if len(took) > 0 {
					s.p99 = took[(len(took)*99-1)/100]
				}
				done <- s
				return
			case <-tick.C:
			}
			c := kept
			if s.pages%2 == 1 {
				c = fresh
			}
			began := time.Now()
			err := get(ctx, c, v.URL()+harness.PathFeed+"?token="+v.bystander.Token)
			if ctx.Err() != nil {
				continue
			}
			s.pages++
			took = append(took, time.Since(began))
			if err != nil {
				s.failed, s.err = s.failed+1, err
			}
		}
	}()
	return func() sight { cancel(); return <-done }
}

// client comes from an address of loopback, and keeps its connections or makes a new one for each request.
func client(addr string, keep bool) *http.Client {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(addr)}, Timeout: lookTimeout}
	return &http.Client{Timeout: lookTimeout, Transport: &http.Transport{
		DialContext: d.DialContext, DisableKeepAlives: !keep, MaxIdleConnsPerHost: 64, MaxConnsPerHost: 0,
	}}
}

// get returns an error unless the answer is a success of the API.
func get(ctx context.Context, c *http.Client, address string) error {
	code, msg, err := call(ctx, c, http.MethodGet, address)
	if err == nil && code != 0 {
		err = fmt.Errorf("answered %d %s", code, msg)
	}
	return err
}

func usage(t *testing.T, pid int) harness.Usage {
	t.Helper()
	u, err := harness.UsageOf(pid)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
