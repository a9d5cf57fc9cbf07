package sqldbtest

import (
	"bytes"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// serverStart bounds the start of a server on a busy machine.
const serverStart = 60 * time.Second

// Server is a MariaDB of a test's own, on loopback: one that may be killed.
type Server struct {
	// Addr is host:port. The account root has no password.
	Addr string

	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
}

// StartServer starts one with these arguments more; it ends with the test, which is skipped where MariaDB is not installed.
func StartServer(t testing.TB, args ...string) *Server {
	t.Helper()
	for _, bin := range []string{"mariadbd", "mariadb-install-db"} {
		if _, err := exec.LookPath(bin); err != nil {
			t.Skipf("%s is not installed", bin)
		}
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tt-mariadb-") // the path of a socket may not be long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	data := filepath.Join(dir, "data")
	install := exec.CommandContext(t.Context(), "mariadb-install-db", "--no-defaults", "--datadir="+data, "--user="+me.Username,
		"--skip-name-resolve", "--skip-test-db", "--force", "--auth-root-authentication-method=normal")
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: ln.Addr().String()}
	_, port, _ := net.SplitHostPort(s.Addr)
	_ = ln.Close()
	s.args = append([]string{
		"--no-defaults", "--datadir=" + data, "--user=" + me.Username, "--skip-name-resolve", "--port=" + port, "--bind-address=127.0.0.1",
		"--socket=" + filepath.Join(dir, "sock"), "--pid-file=" + filepath.Join(dir, "pid"), "--innodb-buffer-pool-size=64M",
		"--performance-schema=OFF", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin",
	}, args...)
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("end of MariaDB's log on %s:\n%s", s.Addr, s.out.Bytes()[max(0, s.out.Len()-2000):])
		}
	})
	s.Start(t)
	return s
}

// Start starts it again after Kill, and returns when it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command("mariadbd", s.args...) //nolint:noctx // Kill ends it
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	db := s.open(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(serverStart); ; <-tick.C {
		err := db.PingContext(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("MariaDB on %s does not answer: %v", s.Addr, err)
		}
	}
}

// Kill ends it as a lost machine does.
func (s *Server) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// Exec runs statements on it as root.
func (s *Server) Exec(t testing.TB, statements ...string) {
	t.Helper()
	db := s.open(t)
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// Text is the first value that a query on it returns, as text.
func (s *Server) Text(t testing.TB, query string) string {
	t.Helper()
	var value sql.NullString
	if err := s.open(t).QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value.String
}

func (s *Server) open(t testing.TB) *sql.DB {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.Logger, cfg.Timeout = "root", "tcp", s.Addr, &mysql.NopLogger{}, serverStart
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// StartReplica starts a server that replicates another one, which was started with PrimaryArgs. It stays delay
// seconds behind.
func StartReplica(t testing.TB, primary *Server, delay int) *Server {
	t.Helper()
	r := StartServer(t, "--server-id=2", "--read-only=ON")
	host, port, _ := net.SplitHostPort(primary.Addr)
	r.Exec(t, fmt.Sprintf("CHANGE MASTER TO master_host='%s', master_port=%s, master_user='root', master_use_gtid=slave_pos, "+
		"master_connect_retry=1, master_delay=%d", host, port, delay), "START SLAVE")
	return r
}

// PrimaryArgs are the arguments of a server that has replicas.
func PrimaryArgs() []string { return []string{"--server-id=1", "--log-bin=bin", "--binlog-format=ROW"} }
