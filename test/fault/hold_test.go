package fault_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"sync"
	"testing"

	_ "github.com/go-sql-driver/mysql" // the driver that the product uses

	"tiktok/test/harness"
)

// holdWriter keeps every process from writing a like or comment, and lets all reads through: the writer hangs in its
// transaction, and what is accepted piles up in RabbitMQ. The function that it returns lets the writer go; so does the
// end of the test.
func holdWriter(t *testing.T, d *harness.Deployment) (release func()) {
	t.Helper()
	db, err := sql.Open("mysql", os.Getenv("TIKTOK_TEST_MYSQL"))
	if err != nil {
		t.Fatal(err)
	}
	// Locks belong to one connection.
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(errors.Join(err, db.Close()))
	}
	release = sync.OnceFunc(func() {
		_, err := conn.ExecContext(context.WithoutCancel(t.Context()), "UNLOCK TABLES")
		if err = errors.Join(err, conn.Close(), db.Close()); err != nil {
			t.Errorf("let the writer go: %v", err)
		}
	})
	t.Cleanup(release)
	for _, q := range []string{
		"USE `" + d.Config.DB.SchemaPrefix + interaction + "`",
		"LOCK TABLES favorites READ, comments READ, video_stats READ, user_stats READ",
	} {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return release
}
