package sqldb_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// Rows are found, and removed, by keys of several columns, one of them or many.
func TestKeyed(t *testing.T) {
	const step = `-- +goose Up
CREATE TABLE places (a BIGINT NOT NULL, b BIGINT NOT NULL, c BIGINT NOT NULL, PRIMARY KEY (a, b, c));
-- +goose Down
DROP TABLE places;
`
	files := fstest.MapFS{
		"migrations/mysql/00001_places.sql": {Data: []byte(step)}, "migrations/sqlite/00001_places.sql": {Data: []byte(step)},
	}
	check := func(t *testing.T, db *sqldb.DB) {
		t.Helper()
		for i := range 20 {
			if err := db.Write.Exec("INSERT INTO places (a, b, c) VALUES (?, ?, ?)", i/7, i%7, -i).Error; err != nil {
				t.Fatal(err)
			}
		}
		places := sqldb.Keyed{Table: "places", Columns: []string{"a", "b", "c"}}
		keys := [][]int64{{0, 1, -1}, {1, 0, -7}, {1, 0, 7}, {9, 9, 9}, {2, 5, -19}}
		type row struct{ A, B, C int64 }
		found, err := sqldb.Rows[row]{Query: places.Query(db, db.Read, keys).Select("t.a, t.b, t.c")}.All()
		if err != nil || len(found) != 3 {
			t.Errorf("found %v, %v", found, err)
		}
		for i, keys := range [][][]int64{keys, keys[:1], nil} {
			n, err := places.Delete(db, db.Write, keys)
			if want := []int64{3, 0, 0}[i]; n != want || err != nil {
				t.Errorf("%d of %v deleted, %v; want %d", n, keys, err, want)
			}
		}
		var left string
		if err := db.Read.Raw("SELECT COUNT(*) FROM places").Scan(&left).Error; err != nil || left != fmt.Sprint(17) {
			t.Errorf("%s rows left, %v", left, err)
		}
	}
	sqldbtest.Each(t, "keyed", files, check)
	t.Run("lists", func(t *testing.T) { check(t, sqldbtest.Lists(t, "keyed", files)) })
}

// Without JSON_TABLE a list of keys is found by the primary key, however long it is and whatever other indexes there are.
func TestKeyedPlan(t *testing.T) {
	const step = `-- +goose Up
CREATE TABLE places (a BIGINT NOT NULL, b BIGINT NOT NULL, c BIGINT NOT NULL, PRIMARY KEY (a, b), KEY places_c (a, c));
-- +goose Down
DROP TABLE places;
`
	db := sqldbtest.Lists(t, "keyed", fstest.MapFS{"migrations/mysql/00001_places.sql": {Data: []byte(step)}})
	const rows = 5000
	values, args := strings.TrimSuffix(strings.Repeat("(?,?,1),", rows), ","), make([]any, 0, 2*rows)
	for i := range rows {
		args = append(args, i/10, i%10)
	}
	for _, statement := range []string{"INSERT INTO places (a, b, c) VALUES " + values, "ANALYZE TABLE places"} {
		if err := db.Write.Exec(statement, args[:strings.Count(statement, "?")]...).Error; err != nil {
			t.Fatal(err)
		}
	}
	places := sqldb.Keyed{Table: "places", Columns: []string{"a", "b"}}
	for _, n := range []int{1, 50, 1000} {
		keys := make([][]int64, n)
		for i := range keys {
			keys[i] = []int64{int64(i / 2), int64(i % 2)}
		}
		dry := db.ForUpdate(places.Query(db, db.Read.Session(&gorm.Session{DryRun: true}), keys)).Select("t.c").Find(&[]map[string]any{})
		plan := sqldbtest.Explain(t, db, dry.Statement.SQL.String(), dry.Statement.Vars...)
		if !strings.Contains(plan, "key=PRIMARY") || strings.Contains(plan, "table=t type=ALL") {
			t.Errorf("%d keys: %s", n, plan)
		}
	}
}
