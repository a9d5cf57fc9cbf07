package blob_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"tiktok/pkg/blob"
	"tiktok/pkg/blob/blobtest"
)

// s3Config reaches the server of TIKTOK_TEST_S3, with a bucket that nobody else uses. It is deleted when the test ends.
func s3Config(t *testing.T) blob.Config {
	t.Helper()
	text := os.Getenv("TIKTOK_TEST_S3")
	if text == "" {
		t.Skip("TIKTOK_TEST_S3 is not set (.ci/s3.sh, test/env.sh)")
	}
	cfg := s3ConfigAt(t, text)
	t.Cleanup(func() { removeBucket(t, cfg) })
	return cfg
}

func s3ConfigAt(t *testing.T, server string) blob.Config {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := u.User.Password()
	return blob.Config{Driver: blob.DriverS3, S3: blob.S3{
		Endpoint: "http://" + u.Host, Region: "us-east-1", Bucket: "t-" + strings.ToLower(rand.Text()), AccessKey: u.User.Username(),
		SecretKey: secret,
		Lookup:    "path", CreateBucket: true, PartBytes: blob.MinPart, Timeout: 20 * time.Second,
	}}
}

// rawClient is a client of the server beside the store.
func rawClient(t *testing.T, cfg blob.Config) minio.Core {
	t.Helper()
	c, err := minio.NewCore(strings.TrimPrefix(cfg.S3.Endpoint, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(cfg.S3.AccessKey, cfg.S3.SecretKey, ""), Region: cfg.S3.Region,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *c
}

func removeBucket(t *testing.T, cfg blob.Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	c := rawClient(t, cfg)
	if exists, err := c.BucketExists(ctx, cfg.S3.Bucket); err != nil || !exists {
		if err != nil {
			t.Error(err)
		}
		return
	}
	objects := c.ListObjectsIter(ctx, cfg.S3.Bucket, minio.ListObjectsOptions{Recursive: true})
	results, err := c.RemoveObjectsWithIter(ctx, cfg.S3.Bucket, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		t.Error(err)
		return
	}
	for r := range results {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if err := c.RemoveBucket(ctx, cfg.S3.Bucket); err != nil {
		t.Error(err)
	}
}

func openS3(t *testing.T, cfg blob.Config) blob.Store {
	t.Helper()
	s, err := blob.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestS3(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store {
		t.Helper()
		return openS3(t, s3Config(t))
	})
}

func TestS3OpenRefuses(t *testing.T) {
	good := s3Config(t)
	for name, change := range map[string]func(c *blob.S3){
		"no bucket":            func(c *blob.S3) { c.Bucket = "" },
		"endpoint without URL": func(c *blob.S3) { c.Endpoint = "127.0.0.1:9000" },
		"endpoint with a path": func(c *blob.S3) { c.Endpoint += "/sub" },
		"lookup":               func(c *blob.S3) { c.Lookup = "phone" },
		"small parts":          func(c *blob.S3) { c.PartBytes = 1 << 20 },
		"no timeout":           func(c *blob.S3) { c.Timeout = 0 },
		"wrong secret":         func(c *blob.S3) { c.SecretKey += "x" },
		"missing bucket":       func(c *blob.S3) { c.CreateBucket = false },
		"name of the bucket":   func(c *blob.S3) { c.Bucket = "No_Bucket" },
		"bad public prefix":    func(c *blob.S3) { c.PublicPrefixes = []string{"../"} },
		"bad public endpoint":  func(c *blob.S3) { c.PublicEndpoint = "cdn" },
	} {
		cfg := good
		change(&cfg.S3)
		if s, err := blob.Open(t.Context(), cfg); err == nil {
			t.Errorf("%s: opened %v", name, s)
		} else if errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("%s: %v: retrying would not help", name, err)
		}
	}
}

// uploads counts the unfinished multipart uploads of a bucket.
func uploads(t *testing.T, cfg blob.Config) int {
	t.Helper()
	page, err := rawClient(t, cfg).ListMultipartUploads(t.Context(), cfg.S3.Bucket, "", "", "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Uploads)
}

func TestS3LeavesNoUploads(t *testing.T) {
	cfg := s3Config(t)
	s := openS3(t, cfg)
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	cut := func(end func() error) io.Reader {
		return readFunc(func(p []byte) (int, error) {
			if seen += len(p); seen > 2*blob.MinPart {
				seen = 0
				if got := uploads(t, cfg); got != 1 {
					t.Errorf("%d uploads under way, want 1: this test looks at nothing", got)
				}
				return len(p), end()
			}
			return len(p), nil
		})
	}
	if _, err := s.Put(t.Context(), "broken", cut(func() error { return io.ErrUnexpectedEOF }), ""); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Put = %v", err)
	}
	if n := uploads(t, cfg); n != 0 {
		t.Errorf("%d uploads stay after a broken reader", n)
	}
	if _, err := s.Put(ctx, "cancelled", cut(func() error { cancel(); return nil }), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v", err)
	}
	if n := uploads(t, cfg); n != 0 {
		t.Errorf("%d uploads stay after a cancel", n)
	}
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestS3SweepEndsAbandonedUploads(t *testing.T) {
	cfg := s3Config(t)
	s := openS3(t, cfg)
	raw := rawClient(t, cfg)
	for _, key := range []string{"tmp/a", "videos/b"} { // as a killed process leaves them
		id, err := raw.NewMultipartUpload(t.Context(), cfg.S3.Bucket, key, minio.PutObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.PutObjectPart(t.Context(), cfg.S3.Bucket, key, id, 1, bytes.NewReader([]byte("half")), 4,
			minio.PutObjectPartOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Sweep(t.Context(), "tmp/", time.Hour); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	if n := uploads(t, cfg); n != 2 {
		t.Errorf("%d uploads after a sweep of older ones, want 2", n)
	}
	if n, err := s.Sweep(t.Context(), "tmp/", -time.Minute); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v; want 0: they are no objects", n, err)
	}
	if n := uploads(t, cfg); n != 0 {
		t.Errorf("%d uploads stay", n)
	}
}

// TestS3PutNeedsLittleMemory counts every byte that is allocated while 100 MiB pass.
func TestS3PutNeedsLittleMemory(t *testing.T) {
	s := openS3(t, s3Config(t))
	const size = 100 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, err := s.Put(t.Context(), "tmp/large", io.LimitReader(zeros{}, size), "")
	runtime.ReadMemStats(&after)
	if n != size || err != nil {
		t.Fatalf("Put = %d, %v", n, err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 4*blob.MinPart {
		t.Errorf("%d MiB were allocated, want about one part of 5", got>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func fetch(t *testing.T, url, rng string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rng != "" {
		req.Header.Set("Range", rng)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestS3SignedURL(t *testing.T) {
	cfg := s3Config(t)
	cfg.S3.PresignTTL = time.Hour
	s := openS3(t, cfg)
	if _, err := s.Put(t.Context(), "tmp/1", strings.NewReader("0123456789"), "application/octet-stream"); err != nil {
		t.Fatal(err)
	}
	if err := s.Move(t.Context(), "tmp/1", "videos/1.mp4"); err != nil {
		t.Fatal(err)
	}
	link, err := s.URL(t.Context(), "videos/1.mp4")
	if err != nil {
		t.Fatal(err)
	}
	resp, body := fetch(t, link, "bytes=2-4")
	if resp.StatusCode != http.StatusPartialContent || body != "234" {
		t.Errorf("link: %s %q", resp.Status, body)
	}
	if got := resp.Header.Get("Content-Type"); got != "video/mp4" {
		t.Errorf("Content-Type = %q: players that are sent there need the right one", got)
	}
	if got := resp.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
		t.Errorf("Cache-Control = %q", got)
	}
	if resp, _ := fetch(t, link[:strings.IndexByte(link, '?')], ""); resp.StatusCode != http.StatusForbidden {
		t.Errorf("without a signature: %s, want 403", resp.Status)
	}

	cfg.S3.PresignTTL, cfg.S3.CreateBucket = time.Second, false
	link, err = openS3(t, cfg).URL(t.Context(), "videos/1.mp4")
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		resp, _ := fetch(t, link, "")
		if resp.StatusCode == http.StatusForbidden {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a link of one second is valid for ten: %s", resp.Status)
		}
	}
}

func TestS3PublicEndpoint(t *testing.T) {
	cfg := s3Config(t)
	cfg.S3.PresignTTL, cfg.S3.PublicEndpoint = time.Hour, "https://media.example.com"
	link, err := openS3(t, cfg).URL(t.Context(), "v.mp4")
	if err != nil || !strings.HasPrefix(link, "https://media.example.com/"+cfg.S3.Bucket+"/v.mp4?") {
		t.Errorf("URL = %q, %v", link, err)
	}
}

func TestS3PublicPrefix(t *testing.T) {
	cfg := s3Config(t)
	cfg.S3.PublicPrefixes = []string{"videos/", "covers/"}
	cfg.PublicURL = cfg.S3.Endpoint + "/" + cfg.S3.Bucket + "/"
	s := openS3(t, cfg)
	for key, want := range map[string]int{"videos/1.mp4": http.StatusOK, "covers/1.jpg": http.StatusOK, "tmp/1": http.StatusForbidden} {
		if _, err := s.Put(t.Context(), key, strings.NewReader("x"), ""); err != nil {
			t.Fatal(err)
		}
		link, err := s.URL(t.Context(), key)
		if err != nil || link != cfg.S3.Endpoint+"/"+cfg.S3.Bucket+"/"+key {
			t.Errorf("URL = %q, %v", link, err)
		}
		if resp, _ := fetch(t, link, ""); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", key, resp.Status, want)
		}
	}
	if resp, _ := fetch(t, cfg.S3.Endpoint+"/"+cfg.S3.Bucket+"?list-type=2", ""); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a list for everybody: %s", resp.Status)
	}
}

func TestURLIsEmptyWhenTheGatewayStreams(t *testing.T) {
	if u, err := openIn(t, t.TempDir()).URL(t.Context(), "a"); u != "" || err != nil {
		t.Errorf("local: %q, %v", u, err)
	}
	if u, err := openS3(t, s3Config(t)).URL(t.Context(), "a"); u != "" || err != nil {
		t.Errorf("s3: %q, %v", u, err)
	}
}
