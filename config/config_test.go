package config_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/blob"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaultIsACompleteAllInOne(t *testing.T) {
	c, err := config.Load("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(config.AllInOne); err != nil {
		t.Fatal(err)
	}
	if c.DB.Dir != filepath.Join("data", "db") || c.Blob.Dir != filepath.Join("data", "media") {
		t.Fatalf("paths: %q %q", c.DB.Dir, c.Blob.Dir)
	}
}

func TestExampleFileIsTheDefault(t *testing.T) {
	want, err := config.Load("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Load("config.example.yaml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, w := got.Masked(), want.Masked()
	for i := range w {
		// The example rounds rates that are fractions.
		if g[i] != w[i] && !strings.HasPrefix(w[i], "limits.") {
			t.Errorf("example says %q, the default is %q", g[i], w[i])
		}
	}
}

func TestLaterWins(t *testing.T) {
	file := write(t, "gateway: {addr: ':1', feed_size: 5}\nqueue: {max_wait: 7ms}\nlimits: {read_user: {rate: 3, burst: 4}}\n")
	c, err := config.Load(file, []string{"TIKTOK_GATEWAY_ADDR=:2", "TIKTOK_CACHE_ADDRS=a:1,b:2", "TIKTOK_DEMO_ENABLED=false", "TIKTOK_TEST_MYSQL=x", "PATH=/bin"},
		map[string]any{"gateway.addr": ":3", "data_dir": "/d"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Gateway.Addr != ":3" || c.Gateway.FeedSize != 5 || c.Queue.MaxWait != 7*time.Millisecond || c.Demo.Enabled ||
		!reflect.DeepEqual(c.Cache.Addrs, []string{"a:1", "b:2"}) || c.Limits.ReadUser.Rate != 3 || c.Limits.ReadUser.Burst != 4 || c.DB.Dir != "/d/db" {
		t.Fatalf("got %+v", c)
	}
}

func TestUnknownKeysAreErrors(t *testing.T) {
	for name, load := range map[string]func() (config.Config, error){
		"file":        func() (config.Config, error) { return config.Load(write(t, "gateway: {adr: ':1'}\n"), nil, nil) },
		"environment": func() (config.Config, error) { return config.Load("", []string{"TIKTOK_GATEWAY_ADR=:1"}, nil) },
		"flag":        func() (config.Config, error) { return config.Load("", nil, map[string]any{"gateway.adr": ":1"}) },
		"not a time":  func() (config.Config, error) { return config.Load("", []string{"TIKTOK_RPC_TIMEOUT=soon"}, nil) },
		"no file":     func() (config.Config, error) { return config.Load("/nowhere.yaml", nil, nil) },
		"not yaml":    func() (config.Config, error) { return config.Load(write(t, "a: [\n"), nil, nil) },
	} {
		if _, err := load(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestValidateNamesAllProblemsAtOnce(t *testing.T) {
	c := config.Default()
	c.DB.Driver, c.Queue.Driver, c.Cache.Driver = "oracle", "rabbitmq", "redis"
	c.Gateway.FeedSize, c.Gateway.TimeZone, c.Auth.Secret = 31, "Mars/Base", "short"
	c.Limits.ReadUser.Burst = 0
	err := c.Validate("api")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, key := range []string{"db.driver", "queue.url", "cache.addrs", "gateway.feed_size", "gateway.time_zone", "auth.secret", "limits.read_user", "rpc.registry", "TIKTOK_DB_DRIVER"} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named in:\n%v", key, err)
		}
	}
}

func TestValidateBlob(t *testing.T) {
	c := config.Default()
	c.Blob.Driver = blob.DriverS3
	c.Blob.S3.Endpoint, c.Blob.S3.Bucket, c.Blob.S3.AccessKey, c.Blob.S3.SecretKey = "https://s3.example.com", "media", "a", "b"
	if err := c.Validate(config.AllInOne); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	c.Blob.PublicURL = "cdn.example.com"
	c.Blob.S3 = blob.S3{Endpoint: "h:9000", PublicEndpoint: "x", AccessKey: "a", Lookup: "phone", PublicPrefixes: []string{"*"}, PresignTTL: time.Second, PartBytes: 1}
	c.Gateway.MaxUploadBytes = blob.MaxObject + 1
	err := c.Validate(config.AllInOne)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, key := range []string{
		"blob.public_url", "blob.s3.endpoint", "blob.s3.public_endpoint", "blob.s3.bucket", "blob.s3.region", "blob.s3.secret_key", "blob.s3.lookup",
		"blob.s3.public_prefixes", "blob.s3.presign_ttl", "blob.s3.part_bytes", "blob.s3.timeout", "gateway.max_upload_bytes", "TIKTOK_BLOB_S3_BUCKET",
	} {
		if !strings.Contains(err.Error(), key+" ") && !strings.Contains(err.Error(), "("+key+")") {
			t.Errorf("%s is not named in:\n%v", key, err)
		}
	}
}

func TestEveryServiceHasItsOwnAddresses(t *testing.T) {
	seen := map[string]string{}
	for _, s := range config.Services() {
		c := config.Default().ForService(s)
		for _, addr := range []string{c.RPC.Listen, c.Telemetry.AdminAddr} {
			if addr == "" && s == "api" {
				continue
			}
			if other, ok := seen[addr]; ok || addr == "" {
				t.Errorf("%s has address %q of %s", s, addr, other)
			}
			seen[addr] = s
		}
	}
}

func TestMaskedHidesSecrets(t *testing.T) {
	c := config.Default()
	c.Auth.Secret, c.DB.Password, c.Cache.Password = "tops3cret-tops3cret-tops3cret-1234", "dbpassw0rd", "cachepw"
	c.Queue.URL = "amqp://me:rabbitpw@h:1/"
	c.Blob.S3.SecretKey = "s3secretkey"
	all := strings.Join(c.Masked(), "\n")
	for _, s := range []string{"tops3cret", "dbpassw0rd", "cachepw", "rabbitpw", "s3secretkey"} {
		if strings.Contains(all, s) {
			t.Errorf("%s is printed", s)
		}
	}
	if !strings.Contains(all, "auth.secret = ***") || !strings.Contains(all, "me:***@h:1") {
		t.Errorf("masked settings:\n%s", all)
	}
}
