package sqldbtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"
)

// reservedWords are those that MySQL 8.4 reserves (its manual, "Keywords and Reserved Words"): none may be a name unless it
// is quoted. The tests run on MariaDB, which reserves fewer.
const reservedWords = `
	accessible add all alter analyze and as asc asensitive before between bigint binary blob both by call cascade case change
	char character check collate column condition constraint continue convert create cross cube cume_dist current_date
	current_time current_timestamp current_user cursor database databases day_hour day_microsecond day_minute day_second dec
	decimal declare default delayed delete dense_rank desc describe deterministic distinct distinctrow div double drop dual
	each else elseif empty enclosed escaped except exists exit explain false fetch first_value float float4 float8 for force
	foreign from fulltext function generated get grant group grouping groups having high_priority hour_microsecond hour_minute
	hour_second if ignore in index infile inner inout insensitive insert int int1 int2 int3 int4 int8 integer intersect
	interval into io_after_gtids io_before_gtids is iterate join json_table key keys kill lag last_value lateral lead leading
	leave left like limit linear lines load localtime localtimestamp lock long longblob longtext loop low_priority manual
	match maxvalue mediumblob mediumint mediumtext middleint minute_microsecond minute_second mod modifies natural not
	no_write_to_binlog nth_value ntile null numeric of on optimize optimizer_costs option optionally or order out outer
	outfile over parallel partition percent_rank precision primary procedure purge qualify range rank read reads read_write
	real recursive references regexp release rename repeat replace require resignal restrict return revoke right rlike row
	row_number rows schema schemas second_microsecond select sensitive separator set show signal smallint spatial specific
	sql sqlexception sqlstate sqlwarning sql_big_result sql_calc_found_rows sql_small_result ssl starting stored
	straight_join system table tablesample terminated then tinyblob tinyint tinytext to trailing trigger true undo union
	unique unlock unsigned update usage use using utc_date utc_time utc_timestamp values varbinary varchar varcharacter
	varying virtual when where while window with write xor year_month zerofill`

// usedWords are the reserved words that our statements use for what they mean. MariaDB reserves them too, so a name that is
// one of them fails there, but for JSON_TABLE, which is a function on both, and for MEDIUMBLOB.
const usedWords = `
	add all alter analyze and as asc between bigint by case check collate column constraint create cross default delete desc
	distinct double drop else exists explain false for force from group having if ignore in index inner insert int into is join json_table key
	left like limit mediumblob not null on or order primary range select set show smallint straight_join table then tinyint true union
	unique update using values varbinary varchar when where with database character char binary mod right over replace`

var (
	// notNames are texts, quoted names, comments and variables.
	notNames = regexp.MustCompile("'(?:[^'\\\\]|\\\\.|'')*'|\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|--[^\n]*|/\\*(?s:.*?)\\*/|@+\\w+")
	bareWord = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_$]*`)
)

// unusable is what a statement may not have bare.
func unusable() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(reservedWords) {
		words[w] = true
	}
	for w := range strings.FieldsSeq(usedWords) {
		delete(words, w)
	}
	return words
}

// Reserved returns the words of a statement that MySQL 8.4 reserves and that stand where only a name can be meant, in
// lower case. MySQL 8.4 refuses the statement for each of them, also where MariaDB takes it.
func Reserved(statement string) []string {
	var found []string
	unusable := unusable()
	for _, w := range bareWord.FindAllString(notNames.ReplaceAllString(statement, " "), -1) {
		if w = strings.ToLower(w); unusable[w] && !slices.Contains(found, w) {
			found = append(found, w)
		}
	}
	return found
}

// checkMigrations fails the test for each file of fsys for MySQL that MySQL 8.4 would not read.
func checkMigrations(t testing.TB, fsys fs.FS) {
	t.Helper()
	files, err := fs.Glob(fsys, "migrations/mysql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		if words := Reserved(string(text)); len(words) > 0 {
			t.Errorf("%s: %v are reserved in MySQL 8.4", name, words)
		}
	}
}

// reservedCheck looks at every statement of a DB after it has run. What it finds fails the test when that ends: a statement
// may come from a goroutine that outlives it.
type reservedCheck struct {
	mu    sync.Mutex
	seen  map[string]bool // statements, guarded by mu
	wrong []string        // guarded by mu
}

const reservedName = "sqldbtest:reserved"

// Name implements gorm.Plugin.
func (*reservedCheck) Name() string { return reservedName }

// Initialize implements gorm.Plugin.
func (c *reservedCheck) Initialize(g *gorm.DB) error { return each(g, reservedName, false, c.look) }

func (c *reservedCheck) look(g *gorm.DB) {
	statement := g.Statement.SQL.String()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[statement] {
		return
	}
	c.seen[statement] = true
	for _, w := range Reserved(statement) {
		c.wrong = append(c.wrong, fmt.Sprintf("%s is reserved in MySQL 8.4: %.300s", w, statement))
	}
}

// EnvStatements names the environment variable with a file to which every statement that ran is appended, a JSON text a line: test/vitess
// reads them with the parsers of other servers.
const EnvStatements = "TIKTOK_TEST_STATEMENTS"

// report fails the test for what was found.
func (c *reservedCheck) report(t testing.TB) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range c.wrong {
		t.Error(line)
	}
	if file := os.Getenv(EnvStatements); file != "" {
		if err := c.record(file); err != nil {
			t.Errorf("%s: %v", EnvStatements, err)
		}
	}
}

func (c *reservedCheck) record(file string) error {
	var lines []byte
	for statement := range c.seen {
		line, err := json.Marshal(statement)
		if err != nil {
			return err
		}
		lines = append(append(lines, line...), '\n')
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(lines)
	return errors.Join(err, f.Close())
}
