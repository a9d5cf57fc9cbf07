package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// wire counts requests by method and remembers their hosts.
type wire struct {
	http.RoundTripper
	mu    sync.Mutex
	count map[string]int
	hosts map[string]bool
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.count[r.Method]++
	w.hosts[r.URL.Hostname()] = true
	w.mu.Unlock()
	return w.RoundTripper.RoundTrip(r)
}

func (w *wire) take() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.count
	w.count = map[string]int{}
	return c
}

// TestS3VirtualHost names the bucket in the host, which every name below localhost is for the server. It also counts
// requests: they are what costs money and time.
func TestS3VirtualHost(t *testing.T) {
	u, err := url.Parse(os.Getenv("TIKTOK_TEST_S3"))
	if err != nil {
		t.Fatal(err)
	}
	if u.Host == "" {
		t.Skip("TIKTOK_TEST_S3 is not set (.ci/s3.sh, test/env.sh)")
	}
	const timeout = 20 * time.Second
	tr, err := transport(S3{Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) { // no name server knows these names
		var d net.Dialer
		return d.DialContext(ctx, network, u.Host)
	}
	w := &wire{RoundTripper: tr, count: map[string]int{}, hosts: map[string]bool{}}
	secret, _ := u.User.Password()
	name := "t-" + strings.ToLower(rand.Text())
	s, err := openS3(t.Context(), Config{S3: S3{
		Endpoint: "http://localhost:" + u.Port(), Region: "us-east-1", Bucket: name, AccessKey: u.User.Username(), SecretKey: secret,
		Lookup: "dns", CreateBucket: true, PartBytes: MinPart, Timeout: timeout,
	}}, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.core.RemoveBucket(context.WithoutCancel(t.Context()), name); err != nil {
			t.Error(err)
		}
	})
	w.take()

	put := func(key string) {
		t.Helper()
		if _, err := s.Put(t.Context(), key, strings.NewReader("0123"), ""); err != nil {
			t.Fatal(err)
		}
	}
	put("tmp/a")
	if got := w.take(); len(got) != 1 || got["PUT"] != 1 {
		t.Errorf("requests of a small Put: %v, want 1 PUT", got)
	}
	o, err := s.Open(t.Context(), "tmp/a")
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if n, err := o.Read(buf); err != nil || !strings.HasPrefix("0123", string(buf[:n])) {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if got := w.take(); len(got) != 2 || got["HEAD"] != 1 || got["GET"] != 1 {
		t.Errorf("requests of Open and Read: %v, want 1 HEAD, 1 GET", got)
	}
	if err := s.Move(t.Context(), "tmp/a", "videos/a.mp4"); err != nil {
		t.Fatal(err)
	}
	if got := w.take(); len(got) != 3 || got["HEAD"] != 1 || got["PUT"] != 1 || got["DELETE"] != 1 {
		t.Errorf("requests of Move: %v, want HEAD, PUT, DELETE", got)
	}
	keys := []string{"videos/a.mp4"}
	for _, key := range []string{"videos/b.mp4", "tmp/c", "tmp/d", "tmp/e"} {
		put(key)
		keys = append(keys, key)
	}
	w.take()
	if n, err := s.Sweep(t.Context(), "tmp/", -time.Minute); n != 3 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	if got := w.take(); got["GET"] != 2 || got["POST"] != 1 || len(got) != 2 {
		t.Errorf("requests of Sweep: %v, want 2 lists and 1 deletion", got)
	}
	if err := s.Delete(t.Context(), keys...); err != nil {
		t.Error(err)
	}
	if got := w.take(); got["POST"] != 1 || len(got) != 1 {
		t.Errorf("requests of Delete of %d keys: %v, want 1 POST", len(keys), got)
	}
	if host := name + ".localhost"; !w.hosts[host] {
		t.Errorf("hosts %v, want %s", w.hosts, host)
	}
}

// TestFailedMeansWhatItSays checks the answers that no server here gives.
func TestFailedMeansWhatItSays(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	b := &bucket{}
	for name, c := range map[string]struct {
		ctx  context.Context //nolint:containedctx // a case
		err  error
		want error
	}{
		"full disk":  {t.Context(), minio.ErrorResponse{Code: "XMinioStorageFull", StatusCode: 507}, ErrFull},
		"quota":      {t.Context(), minio.ErrorResponse{Code: "QuotaExceeded", StatusCode: 403}, ErrFull},
		"slow down":  {t.Context(), minio.ErrorResponse{Code: "SlowDown", StatusCode: 503}, ErrUnavailable},
		"throttled":  {t.Context(), minio.ErrorResponse{Code: "Throttling", StatusCode: 429}, ErrUnavailable},
		"no route":   {t.Context(), net.ErrClosed, ErrUnavailable},
		"too late":   {t.Context(), context.DeadlineExceeded, ErrUnavailable},
		"given up":   {ended, ended.Err(), context.Canceled},
		"no object":  {t.Context(), minio.ErrorResponse{Code: "NoSuchKey", StatusCode: 404}, ErrNotFound},
		"no success": {t.Context(), nil, nil},
	} {
		if got := b.failed(c.ctx, "x", "key", c.err); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	denied := b.failed(t.Context(), "x", "key", minio.ErrorResponse{Code: "AccessDenied", StatusCode: 403})
	if denied == nil || errors.Is(denied, ErrUnavailable) || errors.Is(denied, ErrNotFound) {
		t.Errorf("access denied: %v, want an error of no class", denied)
	}
}
