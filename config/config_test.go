package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/config"
	"tiktok/pkg/blob"
	"tiktok/pkg/pki"
	"tiktok/pkg/tlsconf"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Three kinds of processes, as cmd/services lists them.
func gateway() config.Process {
	return config.Process{Name: "api", AdminAddr: "127.0.0.1:10101", Uses: config.Uses{Gateway: true, Media: true}}
}

func user() config.Process {
	return config.Process{Name: "user", RPCAddr: "127.0.0.1:10002", AdminAddr: "127.0.0.1:10102", Uses: config.Uses{DB: true}}
}

func video() config.Process {
	return config.Process{
		Name:      "video",
		RPCAddr:   "127.0.0.1:10003",
		AdminAddr: "127.0.0.1:10103",
		Uses:      config.Uses{DB: true, Queue: true, Media: true},
	}
}

func TestDefaultIsACompleteAllInOne(t *testing.T) {
	c, err := config.Load("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(config.AllInOneProcess()); err != nil {
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
	c, err := config.Load(
		file,
		[]string{"TIKTOK_GATEWAY_ADDR=:2", "TIKTOK_CACHE_ADDRS=a:1,b:2", "TIKTOK_DEMO_ENABLED=false", "TIKTOK_TEST_MYSQL=x", "PATH=/bin"},
		map[string]any{"gateway.addr": ":3", "data_dir": "/d"},
	)
	if err != nil {
		t.Fatal(err)
	}
	if c.Gateway.Addr != ":3" || c.Gateway.FeedSize != 5 || c.Queue.MaxWait != 7*time.Millisecond || c.Demo.Enabled ||
		!reflect.DeepEqual(
			c.Cache.Addrs,
			[]string{"a:1", "b:2"},
		) || c.Limits.ReadUser.Rate != 3 || c.Limits.ReadUser.Burst != 4 || c.DB.Dir != "/d/db" {
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
	c.Gateway.FeedSize, c.Gateway.TimeZone, c.Auth.Secret, c.Auth.OldSecrets = 31, "Mars/Base", "short", []string{"old"}
	c.Limits.ReadUser.Burst = 0
	err := c.Validate(gateway())
	if err == nil {
		t.Fatal("accepted")
	}
	for _, key := range []string{
		"db.driver", "cache.addrs", "gateway.feed_size", "gateway.time_zone", "auth.secret", "auth.old_secrets", "limits.read_user",
		"rpc.registry", "TIKTOK_DB_DRIVER", "gateway.public_base_url",
	} {
		if !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named in:\n%v", key, err)
		}
	}
}

// A process is asked only for what it uses, so that it need not be given the secrets of the others.
func TestValidateAsksForWhatIsUsed(t *testing.T) {
	for _, process := range []config.Process{config.AllInOneProcess(), gateway(), video(), user()} {
		c := config.Default().ForProcess(process)
		c.RPC.Registry = []string{"127.0.0.1:2379"}
		c.Auth.Secret = strings.Repeat("s", 32)
		c.DB.Driver, c.DB.Addr, c.Queue.Driver = "mysql", "127.0.0.1:3306", "rabbitmq"
		c.Gateway.FeedSize, c.Media.Workers = 0, -1
		err := fmt.Sprint(c.Validate(process))
		for key, want := range map[string]bool{
			"db.user": process.Uses.DB, "queue.url": process.Uses.Queue, "gateway.feed_size": process.Uses.Gateway,
			"media.workers": process.Uses.Media,
		} {
			if got := strings.Contains(err, key); got != want {
				t.Errorf("%s: %s asked for: %v, want %v: %s", process.Name, key, got, want, err)
			}
		}
	}
}

func TestValidateBlob(t *testing.T) {
	c := config.Default()
	c.Blob.Driver = blob.DriverS3
	c.Blob.S3.Endpoint, c.Blob.S3.Bucket, c.Blob.S3.AccessKey, c.Blob.S3.SecretKey = "https://s3.example.com", "media", "a", "b"
	if err := c.Validate(config.AllInOneProcess()); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	c.Blob.PublicURL = "cdn.example.com"
	c.Blob.S3 = blob.S3{
		Endpoint:       "h:9000",
		PublicEndpoint: "x",
		AccessKey:      "a",
		Lookup:         "phone",
		PublicPrefixes: []string{"*"},
		PresignTTL:     time.Second,
		PartBytes:      1,
	}
	c.Gateway.MaxUploadBytes = blob.MaxObject + 1
	err := c.Validate(config.AllInOneProcess())
	if err == nil {
		t.Fatal("accepted")
	}
	for _, key := range []string{
		"blob.public_url", "blob.s3.endpoint", "blob.s3.public_endpoint", "blob.s3.bucket", "blob.s3.region", "blob.s3.secret_key",
		"blob.s3.lookup",
		"blob.s3.public_prefixes", "blob.s3.presign_ttl", "blob.s3.part_bytes", "blob.s3.timeout", "gateway.max_upload_bytes",
		"TIKTOK_BLOB_S3_BUCKET",
	} {
		if !strings.Contains(err.Error(), key+" ") && !strings.Contains(err.Error(), "("+key+")") {
			t.Errorf("%s is not named in:\n%v", key, err)
		}
	}
}

func TestMaskedHidesSecrets(t *testing.T) {
	c := config.Default()
	c.Auth.Secret, c.DB.Password, c.Cache.Password = "tops3cret-tops3cret-tops3cret-1234", "dbpassw0rd", "cachepw"
	c.Queue.URL = "amqp://me:rabbitpw@h:1/"
	c.Queue.URLs = []string{"amqp://me:rabbitpw@h1:1/", "amqp://me:rabbitpw%zz@h2:1/"}
	c.Blob.S3.SecretKey, c.Auth.OldSecrets = "s3secretkey", []string{"retired-key", "next-key"}
	c.Push.PrivateKey = "vapidkey"
	all := strings.Join(c.Masked(), "\n")
	for _, s := range []string{"tops3cret", "dbpassw0rd", "cachepw", "rabbitpw", "s3secretkey", "retired-key", "next-key", "vapidkey"} {
		if strings.Contains(all, s) {
			t.Errorf("%s is printed", s)
		}
	}
	if !strings.Contains(all, "auth.secret = ***") || !strings.Contains(all, "me:***@h:1") || !strings.Contains(all, "me:***@h1:1") {
		t.Errorf("masked settings:\n%s", all)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	pw, url := write(t, "db pass\n"), write(t, "amqp://me:rabbitpw@h:1/\n")
	c, err := config.Load(
		"",
		[]string{
			"TIKTOK_DB_PASSWORD_FILE=" + pw,
			"TIKTOK_QUEUE_URL_FILE=" + url,
			"TIKTOK_AUTH_SECRET_FILE=/x",
			"TIKTOK_RPC_REGISTRY_PASSWORD_FILE=" + pw,
			"TIKTOK_AUTH_OLD_SECRETS=first,second",
		},
		nil,
	)
	if err != nil || c.DB.Password != "db pass" || c.Queue.URL != "amqp://me:rabbitpw@h:1/" || c.Auth.SecretFile != "/x" ||
		c.RPC.RegistryPassword != "db pass" ||
		!slices.Equal(c.Auth.OldSecrets, []string{"first", "second"}) {
		t.Errorf("%v: password %q, url %q", err, c.DB.Password, c.Queue.URL)
	}
	urls := write(t, "amqp://me:a@h1/,amqp://me:b@h2/\n")
	c, err = config.Load("", []string{"TIKTOK_QUEUE_URLS_FILE=" + urls}, nil)
	if err != nil || !slices.Equal(c.Queue.URLs, []string{"amqp://me:a@h1/", "amqp://me:b@h2/"}) {
		t.Errorf("%v: urls %q", err, c.Queue.URLs)
	}
	for name, environ := range map[string][]string{
		"no file": {"TIKTOK_DB_PASSWORD_FILE=/nowhere"}, "no secret": {"TIKTOK_DB_ADDR_FILE=" + pw}, "no setting": {"TIKTOK_NOPE_FILE=" + pw},
		"both": {"TIKTOK_DB_PASSWORD_FILE=" + pw, "TIKTOK_DB_PASSWORD=x"},
	} {
		if _, err := config.Load("", environ, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// RabbitMQ has one URL, or several of one cluster; a list in the place of the one is no URL of its first node.
func TestValidateQueueNodes(t *testing.T) {
	const one, two = "amqp://me:geheim@h1:5672/", "amqp://me:geheim@h2:5672/"
	for name, test := range map[string]struct {
		url  string
		urls []string
		want string // a part of the error; empty: none
	}{
		"one":            {url: one},
		"several":        {urls: []string{one, two}},
		"none":           {want: "queue.url "},
		"both":           {url: one, urls: []string{two}, want: "queue.urls "},
		"a list":         {url: one + "," + two, want: "comma"},
		"another vhost":  {urls: []string{one, two + "other"}, want: "vhost"},
		"another scheme": {urls: []string{one, strings.Replace(two, "amqp", "amqps", 1)}, want: "scheme"},
		"no host":        {urls: []string{one, "amqp://me:geheim@/"}, want: "queue.urls "},
		"malformed":      {urls: []string{one, "amqp://me:geheim/x@h:1/"}, want: "queue.urls "},
	} {
		c := config.Default()
		c.Queue.Driver, c.Queue.URL, c.Queue.URLs = "rabbitmq", test.url, test.urls
		err := c.Validate(config.AllInOneProcess())
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the password is told: %v", name, err)
		}
	}
}

func TestValidateTLS(t *testing.T) {
	ca, err := pki.New("test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	root, err := ca.Pair()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(pki.Leaf{Hosts: []string{"user"}, Client: true, Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	good := tlsconf.Files{CA: write(t, string(root.Cert)), Cert: write(t, string(leaf.Cert)), Key: write(t, string(leaf.Key))}
	with := func(files tlsconf.Files, scheme string) config.Config {
		c := config.Default().ForProcess(video())
		c.DB.Driver, c.DB.Addr, c.DB.User = "mysql", "db:3306", "me"
		c.Cache.Driver, c.Cache.Addrs = "redis", []string{"redis:6379"}
		c.Queue.Driver, c.Queue.URL = "rabbitmq", "amqp"+scheme+"://a:b@mq/"
		c.Blob.Driver, c.Blob.S3.Endpoint, c.Blob.S3.Bucket = blob.DriverS3, "http"+scheme+"://s3", "b"
		c.RPC.Registry = []string{"http" + scheme + "://etcd:2379", "etcd:2379"}
		c.RPC.TLS = files
		for _, conf := range []*tlsconf.Config{&c.RPC.RegistryTLS, &c.DB.TLS, &c.Cache.TLS, &c.Queue.TLS, &c.Blob.S3.TLS} {
			conf.Files = files
		}
		return c
	}
	for _, c := range []config.Config{with(good, "s"), with(tlsconf.Files{}, "")} {
		if err := c.Validate(video()); err != nil {
			t.Errorf("good ones: %v", err)
		}
	}
	c := with(good, "s")
	c.Queue.TLS.CA, c.Blob.S3.TLS.CA = "/nowhere", "/nowhere"
	if err := c.Validate(user()); err != nil {
		t.Errorf("files of what it does not use: %v", err)
	}
	keys := []string{"db.tls", "cache.tls", "queue.tls", "blob.s3.tls", "rpc.tls", "rpc.registry_tls"}
	for name, files := range map[string]tlsconf.Files{
		"no file": {CA: "/nowhere"}, "no ca": {Cert: good.Cert, Key: good.Key}, "no key": {CA: good.CA, Cert: good.Cert},
		"key of another": {CA: good.CA, Cert: good.CA, Key: good.Key}, "not PEM": {CA: good.CA, Cert: good.Cert, Key: good.Cert},
	} {
		err := with(files, "s").Validate(video())
		for _, key := range keys {
			if err == nil || !strings.Contains(err.Error(), key+" ") {
				t.Errorf("%s: %s is not named in %v", name, key, err)
			}
		}
	}
	c = with(good, "")
	c.RPC.TLS, c.RPC.RegistryUsername = tlsconf.Files{CA: good.CA}, "me"
	err = c.Validate(video())
	for _, key := range []string{"queue.url", "blob.s3.endpoint", "rpc.registry", "rpc.registry_password", "rpc.tls"} {
		if err == nil || !strings.Contains(err.Error(), key+" ") {
			t.Errorf("%s is not named in %v", key, err)
		}
	}
}
