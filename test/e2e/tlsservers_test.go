package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"tiktok/test/harness"
)

// serverStart bounds the start of a server; RabbitMQ takes longest.
const serverStart = 90 * time.Second

// secureServers are servers of a test's own that speak TLS only, with certificates of the command certs.
type secureServers struct {
	certs, dir                         string
	mysql, redis, rabbitmq, etcd, etcp string // addresses
	s3, s3bin                          string
}

// etcdPassword and redisPassword are those of the accounts that the processes have.
const (
	etcdPassword  = "etcd for tests"
	redisPassword = "redis-for-tests"
)

// file is a file of a server's folder of certificates.
func (s *secureServers) file(server, name string) string { return filepath.Join(s.certs, server, name) }

// startSecure starts all of them side by side. They end with the test.
func startSecure(t *testing.T, certs string) *secureServers {
	t.Helper()
	s := &secureServers{certs: certs, dir: t.TempDir(), s3bin: os.Getenv("TIKTOK_TEST_S3_BIN")}
	for _, bin := range []string{"mariadbd", "mariadb-install-db", "redis-server", "etcd", "epmd"} {
		if _, err := exec.LookPath(bin); err != nil {
			t.Skipf("%s is not installed", bin)
		}
	}
	for _, addr := range []*string{&s.mysql, &s.redis, &s.rabbitmq, &s.etcd, &s.etcp, &s.s3} {
		*addr = harness.FreePort(t)
	}
	s.startMySQL(t)
	s.startRedis(t)
	s.startEtcd(t)
	s.startRabbitMQ(t)
	if s.s3bin != "" {
		s.startS3(t)
	}
	// MySQL greets before TLS. It has long been there when RabbitMQ is.
	for name, addr := range map[string]string{"redis": s.redis, "etcd": s.etcd, "rabbitmq": s.rabbitmq} {
		harness.Eventually(t, serverStart, func() error { return s.handshake(t.Context(), name, addr) })
	}
	s.protectEtcd(t)
	return s
}

// run starts a server and kills it when the test ends.
func (s *secureServers) run(t *testing.T, env []string, bin string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(bin, args...) //nolint:noctx // killed below
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			b := out.Bytes()
			t.Logf("end of %s:\n%s", filepath.Base(bin), b[max(0, len(b)-2000):])
		}
	})
}

// handshake says whether a server has come to TLS.
func (s *secureServers) handshake(ctx context.Context, name, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}} //nolint:gosec // only whether it is there
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return c.Close()
}

func (s *secureServers) startMySQL(t *testing.T) {
	t.Helper()
	data, user := filepath.Join(s.dir, "mysql"), "--user="+userName(t)
	out, err := exec.CommandContext(t.Context(), "mariadb-install-db", "--no-defaults", "--datadir="+data, user, "--skip-name-resolve",
		"--skip-test-db", "--force", "--auth-root-authentication-method=normal").CombinedOutput()
	if err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	_, port, _ := net.SplitHostPort(s.mysql)
	s.run(
		t,
		nil,
		"mariadbd",
		"--no-defaults",
		"--datadir="+data,
		user,
		"--skip-name-resolve",
		"--port="+port,
		"--bind-address=127.0.0.1",
		"--socket=/tmp/tiktok-tls-"+port+".sock",
		"--pid-file="+data+".pid",
		"--innodb-buffer-pool-size=64M",
		"--performance-schema=OFF",
		"--ssl-ca="+s.file(
			"mysql",
			"ca.crt",
		),
		"--ssl-cert="+s.file("mysql", "tls.crt"),
		"--ssl-key="+s.file("mysql", "tls.key"),
		"--require-secure-transport=ON",
	)
}

func (s *secureServers) startRedis(t *testing.T) {
	t.Helper()
	_, port, _ := net.SplitHostPort(s.redis)
	conf := filepath.Join(s.dir, "redis.conf")
	text := fmt.Sprintf(
		"port 0\ntls-port %s\nbind 127.0.0.1\ntls-ca-cert-file %s\ntls-cert-file %s\ntls-key-file %s\ntls-auth-clients no\nrequirepass %s\n"+
			"save \"\"\n",
		port,
		s.file("redis", "ca.crt"),
		s.file("redis", "tls.crt"),
		s.file("redis", "tls.key"),
		redisPassword,
	)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, nil, "redis-server", conf)
}

func (s *secureServers) startEtcd(t *testing.T) {
	t.Helper()
	s.run(t, nil, "etcd", "--name", "x", "--data-dir", filepath.Join(s.dir, "etcd"), "--listen-client-urls", "https://"+s.etcd,
		"--advertise-client-urls", "https://"+s.etcd, "--listen-peer-urls", "http://"+s.etcp, "--initial-advertise-peer-urls", "http://"+s.etcp,
		"--initial-cluster", "x=http://"+s.etcp, "--cert-file", s.file("etcd", "tls.crt"), "--key-file", s.file("etcd", "tls.key"),
		"--logger", "zap", "--log-outputs", "stderr")
}

// protectEtcd makes two accounts and demands a login: root, and tiktok, which may only touch what is the product's.
func (s *secureServers) protectEtcd(t *testing.T) {
	t.Helper()
	cli, err := clientv3.New(clientv3.Config{
		Endpoints: []string{
			s.etcd,
		}, DialTimeout: 10 * time.Second, Logger: zap.NewNop(), TLS: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // to set it up
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cli.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	do := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(cli.UserAdd(ctx, "root", "root for tests"))
	do(cli.UserGrantRole(ctx, "root", "root"))
	do(cli.RoleAdd(ctx, "tiktok"))
	const prefix = "tiktok-test/"
	do(cli.RoleGrantPermission(ctx, "tiktok", prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermReadWrite)))
	do(cli.UserAdd(ctx, "tiktok", etcdPassword))
	do(cli.UserGrantRole(ctx, "tiktok", "tiktok"))
	do(cli.AuthEnable(ctx))
}

func (s *secureServers) startRabbitMQ(t *testing.T) {
	t.Helper()
	scripts, err := filepath.Glob("/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server")
	if err != nil || len(scripts) == 0 {
		t.Skip("RabbitMQ is not installed")
	}
	dir := filepath.Join(s.dir, "rabbitmq")
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.MkdirAll(path("home"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"rabbitmq.conf": fmt.Sprintf("listeners.tcp = none\nlisteners.ssl.1 = %s\nssl_options.cacertfile = %s\nssl_options.certfile = %s\n"+
			"ssl_options.keyfile = %s\n"+
			"ssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\nlog.file = false\nlog.console = true\n"+
			"log.console.level = warning\ndisk_free_limit.absolute = 50MB\n",
			s.rabbitmq, s.file("rabbitmq", "ca.crt"), s.file("rabbitmq", "tls.crt"), s.file("rabbitmq", "tls.key")),
		"env.conf": "", "plugins": "[].\n",
	} {
		if err := os.WriteFile(path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	port := func() string { _, p, _ := net.SplitHostPort(harness.FreePort(t)); return p }
	mapper, dist := port(), port()
	s.run(t, nil, "epmd", "-port", mapper, "-address", "127.0.0.1")
	s.run(t, []string{
		"HOME=" + path(
			"home",
		), "detached=1", "ERL_EPMD_PORT=" + mapper, "ERL_EPMD_ADDRESS=127.0.0.1", "RABBITMQ_CONF_ENV_FILE=" + path("env.conf"),
		"RABBITMQ_CONFIG_FILE=" + path(
			"rabbitmq.conf",
		), "RABBITMQ_ADVANCED_CONFIG_FILE=" + path("advanced.config"), "RABBITMQ_ENABLED_PLUGINS_FILE=" + path("plugins"),
		"RABBITMQ_GENERATED_CONFIG_DIR=" + path("generated"), "RABBITMQ_MNESIA_BASE=" + path("data"), "RABBITMQ_LOG_BASE=" + path("logs"),
		"RABBITMQ_PID_FILE=" + path("server.pid"), "RABBITMQ_USE_LONGNAME=true", "RABBITMQ_NODENAME=tiktok_tls_" + dist + "@127.0.0.1",
		"RABBITMQ_DIST_PORT=" + dist, "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu " +
			"none +sbwtdio none",
	}, "sh", scripts[0])
}

func (s *secureServers) startS3(t *testing.T) {
	t.Helper()
	dir := filepath.Join(s.dir, "s3")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.run(t, nil, s.s3bin, "--port", s.s3, "--access", "tiktok", "--secret", "tiktok-secret", "--region", "us-east-1",
		"--cert", s.file("s3", "tls.crt"), "--key", s.file("s3", "tls.key"), "--quiet", "posix", dir)
	harness.Eventually(t, serverStart, func() error { return s.handshake(t.Context(), "s3", s.s3) })
}

// settings are those by which processes reach the servers, as an operator would write them.
func (s *secureServers) settings() map[string]string {
	ca := filepath.Join(s.certs, "ca.crt")
	set := map[string]string{
		"db.addr": s.mysql, "db.user": "root", "db.password": "", "db.tls.ca": ca,
		"cache.addrs": s.redis, "cache.password": redisPassword, "cache.db": "0", "cache.tls.ca": ca,
		"queue.url": "amqps://guest:guest@" + s.rabbitmq + "/", "queue.tls.ca": ca,
		"rpc.registry": s.etcd, "rpc.registry_username": "tiktok", "rpc.registry_password": etcdPassword, "rpc.registry_tls.ca": ca,
	}
	if s.s3bin != "" {
		for k, v := range map[string]string{
			"driver": "s3", "s3.endpoint": "https://" + s.s3, "s3.bucket": "media", "s3.access_key": "tiktok", "s3.secret_key": "tiktok-secret",
			"s3.lookup": "path", "s3.tls.ca": ca,
		} {
			set["blob."+k] = v
		}
	}
	return set
}

func userName(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
