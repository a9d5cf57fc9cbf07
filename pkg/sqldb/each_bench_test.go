package sqldb_test

import (
	"fmt"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// BenchmarkScan reads 30 rows of SQLite by Each, and as GORM scans them.
func BenchmarkScan(b *testing.B) {
	const rows = 30
	db := sqldbtest.SQLite(b, "scan", migrations())
	items := make([]item, rows)
	for i := range items {
		items[i] = item{ID: int64(i), Name: fmt.Sprint("item ", i), N: int64(i)}
	}
	if err := db.Write.Create(&items).Error; err != nil {
		b.Fatal(err)
	}
	const query = "SELECT id, name, n FROM items WHERE n >= ? ORDER BY n LIMIT ?"
	b.Run("each", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			got := make([]item, 0, rows)
			err := sqldb.Each(db.Read.WithContext(b.Context()).Raw(query, 0, rows),
				func(i *item) []any { return []any{&i.ID, &i.Name, &i.N} }, func(i item) { got = append(got, i) })
			if err != nil || len(got) != rows {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("gorm", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			got := make([]item, 0, rows)
			if err := db.Read.WithContext(b.Context()).Raw(query, 0, rows).Scan(&got).Error; err != nil || len(got) != rows {
				b.Fatal(len(got), err)
			}
		}
	})
}
