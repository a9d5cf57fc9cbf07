package harness

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/gofrs/flock"
	amqp "github.com/rabbitmq/amqp091-go"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"tiktok/config"
	"tiktok/pkg/id"
)

const (
	// redisDB is kept for these tests, besideDB for a deployment beside another one; it is emptied before each deployment.
	redisDB, besideDB = "15", "14"
	// registryPrefix is where services of these tests stand in etcd, apart from everybody else's.
	registryPrefix = "tiktok-test"
	// queuePrefix begins the names of their queues, which are deleted before and after each deployment.
	queuePrefix = "tiktok-test"
	// leaseEnds is longer than a killed process stays in etcd.
	leaseEnds = 20 * time.Second
	// lockTimeout is how long a test waits for another package's deployment.
	lockTimeout = 10 * time.Minute
	// serverTimeout bounds what is asked of one server while a deployment is prepared.
	serverTimeout = 30 * time.Second
)

// servers are the ones that test/env.sh starts.
type servers struct {
	mysql                 *mysql.Config
	redis, rabbitmq, etcd string // lists: several are a cluster
	// What a deployment has of its own on them.
	schemaPrefix, registryPrefix, queuePrefix, redisDB string
	// beside is set for a deployment beside the one that has locked these servers.
	beside bool
}

// testServers reads where they are and skips the test when one is not set. beside names a deployment beside another one.
func testServers(t testing.TB, beside string) *servers {
	t.Helper()
	env := func(name string) string {
		v := os.Getenv("TIKTOK_TEST_" + name)
		if v == "" {
			t.Skipf("TIKTOK_TEST_%s is not set (test/env.sh)", name)
		}
		return v
	}
	dsn := env("MYSQL")
	s := &servers{
		redis: env("REDIS"), rabbitmq: env("RABBITMQ"), etcd: env("ETCD"), schemaPrefix: fmt.Sprintf("tt_e2e_%d_", os.Getpid()),
		registryPrefix: registryPrefix, queuePrefix: queuePrefix, redisDB: redisDB,
	}
	if beside != "" {
		s.beside, s.redisDB = true, besideDB
		s.schemaPrefix, s.registryPrefix, s.queuePrefix = s.schemaPrefix+beside+"_", registryPrefix+"-"+beside, queuePrefix+"-"+beside
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatalf("TIKTOK_TEST_MYSQL: %v", err)
	}
	s.mysql = cfg
	return s
}

func (s *servers) settings() map[string]string {
	set := map[string]string{
		"db.driver": "mysql", "db.addr": s.mysql.Addr, "db.user": s.mysql.User, "db.password": s.mysql.Passwd,
		"db.schema_prefix": s.schemaPrefix,
		"cache.driver":     "redis", "cache.addrs": s.redis, "cache.db": s.redisDB,
		"limits.driver": "redis", "gateway.public_base_url": config.FromHost,
		"queue.driver": "rabbitmq", "queue.prefix": s.queuePrefix,
		"rpc.registry": s.etcd, "rpc.registry_prefix": s.registryPrefix,
	}
	if strings.Contains(s.rabbitmq, ",") {
		set["queue.urls"] = s.rabbitmq
	} else {
		set["queue.url"] = s.rabbitmq
	}
	if s.redisCluster() {
		set["cache.cluster"], set["cache.db"] = "true", "0" // which is the only one
	}
	return set
}

func (s *servers) redisCluster() bool { return strings.Contains(s.redis, ",") }

// acquire makes these servers this test's own until it ends: it waits for other tests, makes sure that no service is
// registered, empties Redis and drops the schemas, also those of a test that was killed.
func (s *servers) acquire(t testing.TB) {
	t.Helper()
	if !s.beside { // else the other one has the lock, and drops the schemas of both
		s.lock(t)
		s.waitUnregistered(t)
		t.Cleanup(func() { s.dropSchemas(t) })
		s.dropSchemas(t)
	}
	t.Cleanup(func() { s.deleteQueues(t) })
	s.deleteQueues(t)
	if s.redisCluster() { // whoever starts one starts it empty
		return
	}
	if err := s.flushRedis(t.Context()); err != nil {
		t.Fatalf("empty Redis: %v", err)
	}
}

// lock keeps other processes of the test run away.
func (s *servers) lock(t testing.TB) {
	t.Helper()
	h := fnv.New64a()
	_, _ = h.Write([]byte(s.etcd)) // never fails
	lock := flock.New(filepath.Join(os.TempDir(), fmt.Sprintf("tiktok-test-%x.lock", h.Sum64())))
	t.Cleanup(func() { _ = lock.Close() })
	Eventually(t, lockTimeout, func() error {
		ok, err := lock.TryLock()
		if err == nil && !ok {
			err = errors.New("another test has the servers")
		}
		return err
	})
}

// waitUnregistered waits for the leases of processes that were killed. Somebody else's running deployment would answer
// this test's calls, so the test fails when services stay.
func (s *servers) waitUnregistered(t testing.TB) {
	t.Helper()
	cli, err := clientv3.New(clientv3.Config{Endpoints: strings.Split(s.etcd, ","), DialTimeout: serverTimeout, Logger: zap.NewNop()})
	if err != nil {
		t.Fatalf("etcd: %v", err)
	}
	defer func() { _ = cli.Close() }() // it was only read
	ctx, cancel := context.WithTimeout(t.Context(), serverTimeout)
	defer cancel()
	Eventually(t, leaseEnds, func() error {
		res, err := cli.Get(ctx, registryPrefix+"/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
		if err != nil {
			return fmt.Errorf("etcd: %w", err)
		}
		for _, kv := range res.Kvs {
			if !strings.HasPrefix(string(kv.Key), id.LeasePrefix(registryPrefix)) { // those stay
				return fmt.Errorf("%s is registered in etcd: another deployment uses these servers", kv.Key)
			}
		}
		return nil
	})
}

// dropSchemas drops the schemas of this test, and of tests whose process is gone.
func (s *servers) dropSchemas(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), serverTimeout)
	defer cancel()
	if err := s.drop(ctx); err != nil {
		t.Errorf("drop schemas: %v", err)
	}
}

func (s *servers) drop(ctx context.Context) (err error) {
	connector, err := mysql.NewConnector(s.mysql)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SHOW DATABASES LIKE 'tt\_e2e\_%'`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range names {
		if _, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS `"+name+"`"); err != nil {
			return err
		}
	}
	return nil
}

// deleteQueues removes what a deployment of these tests has declared, and the events that a killed one has left there.
func (s *servers) deleteQueues(t testing.TB) {
	t.Helper()
	first, _, _ := strings.Cut(s.rabbitmq, ",")
	conn, err := amqp.DialConfig(first, amqp.Config{Dial: amqp.DefaultDial(serverTimeout)})
	if err != nil {
		t.Errorf("RabbitMQ: %v", err)
		return
	}
	defer func() { _ = conn.Close() }() // the deletes have been answered
	ch, err := conn.Channel()
	for _, name := range []string{s.queuePrefix + ".interaction", s.queuePrefix + ".interaction.dead"} {
		if err == nil {
			_, err = ch.QueueDelete(name, false, false, false)
		}
	}
	if err != nil {
		t.Errorf("delete queues: %v", err)
	}
}

// flushRedis empties the tests' own database. Three words of the protocol are not worth a client.
func (s *servers) flushRedis(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", s.redis)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	answers := bufio.NewReader(conn)
	for _, command := range []string{"SELECT " + s.redisDB, "FLUSHDB"} {
		if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
			return err
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			return err
		}
		if answer != "+OK\r\n" {
			return fmt.Errorf("%s: %q", command, answer)
		}
	}
	return nil
}
