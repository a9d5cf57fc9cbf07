package sqldb_test

import (
	"fmt"
	"strings"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

func TestRows(t *testing.T) {
	sqldbtest.Each(t, "rows", migrations(), func(t *testing.T, db *sqldb.DB) {
		items := []item{{1, "a", 10}, {2, "b", 20}, {3, "c", 30}}
		if err := db.Write.Create(&items).Error; err != nil {
			t.Fatal(err)
		}
		read := db.Read.WithContext(t.Context())
		same := func(what string, got any, err error, want any) {
			t.Helper()
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %v, %v, want %v", what, got, err, want)
			}
		}
		all, err := sqldb.Select[item](read, "FROM items WHERE n > ? ORDER BY n DESC", 10).All()
		same("all columns", all, err, []item{items[2], items[1]})
		byID, err := sqldb.Map(sqldb.Select[item](read, "FROM items"), func(i item) int64 { return i.ID })
		same("by id", byID, err, map[int64]item{1: items[0], 2: items[1], 3: items[2]})
		all, err = sqldb.Select[item](read, "FROM items WHERE n > 99").All()
		same("none", all, err, []item(nil))

		// Fields have their columns by name, in whatever order; one that is not asked for stays empty in each row.
		type part struct {
			ID    int64
			Label string `gorm:"column:name"`
			N     int64
		}
		parts, err := sqldb.Rows[part]{Query: read.Raw("SELECT i.name, n + 1 AS n FROM items i ORDER BY id")}.All()
		same("some columns", parts, err, []part{{0, "a", 11}, {0, "b", 21}, {0, "c", 31}})
		parts, err = sqldb.Rows[part]{Query: read.Raw("SELECT " + sqldb.Columns[part](read, "i") + " FROM items i WHERE id = 2")}.All()
		same("alias", parts, err, []part{{2, "b", 20}})

		_, err = sqldb.Rows[item]{Query: read.Raw("SELECT id, name AS label FROM items")}.All()
		if err == nil || !strings.Contains(err.Error(), `"label"`) {
			t.Errorf("a column without a field: %v", err)
		}
		if _, err = sqldb.Select[item](read, "FROM nowhere").All(); err == nil {
			t.Error("a failed statement is no error")
		}
	})
}

func TestUpsert(t *testing.T) {
	sqldbtest.Each(t, "upsert", migrations(), func(t *testing.T, db *sqldb.DB) {
		greatest := func(want int64) {
			t.Helper()
			if n, err := db.Greatest(t.Context(), "items.id", "items.n"); err != nil || n != want {
				t.Errorf("greatest is %d, %v, want %d", n, err, want)
			}
		}
		greatest(0)
		for _, step := range []struct {
			advance bool
			n, want int64
		}{{false, 5, 5}, {false, -2, 3}, {true, 50, 50}, {true, 7, 60}, {true, 61, 70}, {true, 81, 81}} {
			set := db.Adding("n")
			if step.advance {
				set = db.Advancing("n", 10)
			}
			if err := db.Write.Clauses(sqldb.Upsert(set, "id")).Create(&item{ID: 1, Name: "a", N: step.n}).Error; err != nil {
				t.Fatal(err)
			}
			all, err := sqldb.Select[item](db.Read, "FROM items").All()
			if err != nil || len(all) != 1 || all[0].N != step.want {
				t.Fatalf("%+v: %v, %v", step, all, err)
			}
			greatest(step.want)
		}
	})
}
