// Package vitess_test reads the product's statements with the parsers of Vitess and TiDB. It is a module of its own: they are no part of
// the product.
package vitess_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pingcap/tidb/pkg/parser"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // which the parser needs for literals
	"vitess.io/vitess/go/vt/sqlparser"
)

// parsers are what must take a statement. TiDB has no JSON_TABLE: statements with one are for MySQL and MariaDB alone.
func parsers(t *testing.T) map[string]func(string) error {
	t.Helper()
	vitess, err := sqlparser.New(sqlparser.Options{MySQLServerVersion: "8.4.6"})
	if err != nil {
		t.Fatal(err)
	}
	tidb := parser.New()
	return map[string]func(string) error{
		"Vitess": func(s string) error {
			_, err := vitess.ParseStrictDDL(s)
			return err
		},
		"TiDB": func(s string) error {
			if strings.Contains(s, "JSON_TABLE(") {
				return nil
			}
			_, _, err := tidb.Parse(s, "", "")
			return err
		},
	}
}

// TestMigrations: every statement that makes or changes a table.
func TestMigrations(t *testing.T) {
	files, err := filepath.Glob("../../cmd/*/dal/db/migrations/mysql/*.sql")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	parse := parsers(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		check(t, parse, filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), statementsOf(string(text))...)
	}
}

// statementsOf are those of a file, without comments. No text in it has a semicolon.
func statementsOf(text string) (statements []string) {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			lines = append(lines, line)
		}
	}
	for s := range strings.SplitSeq(strings.Join(lines, ""), ";") {
		if s = strings.TrimSpace(s); s != "" {
			statements = append(statements, s)
		}
	}
	return statements
}

// TestStatements: every statement that the services' own tests have run, which test/vitess/statements.sh records.
func TestStatements(t *testing.T) {
	name := os.Getenv("TIKTOK_TEST_STATEMENTS")
	if name == "" {
		t.Skip("TIKTOK_TEST_STATEMENTS is not set (test/vitess/statements.sh)")
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	parse, seen := parsers(t), map[string]bool{}
	for lines.Scan() {
		var statement string
		if err := json.Unmarshal(lines.Bytes(), &statement); err != nil {
			t.Fatal(err)
		}
		if !seen[statement] {
			seen[statement] = true
			check(t, parse, "statement", statement)
		}
	}
	if lines.Err() != nil || len(seen) < 500 {
		t.Fatalf("only %d statements, %v", len(seen), lines.Err())
	}
	t.Logf("%d statements", len(seen))
}

func check(t *testing.T, parse map[string]func(string) error, where string, statements ...string) {
	t.Helper()
	for _, s := range statements {
		for name, fn := range parse {
			if err := fn(s); err != nil {
				t.Errorf("%s: %s: %v: %.400s", where, name, err, s)
			}
		}
	}
}
