package sqldb_test

import (
	"fmt"
	"testing"

	"gorm.io/gorm"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// wide is a row of as many columns as a video has.
type wide struct {
	ID                     int64 `gorm:"primaryKey;autoIncrement:false"`
	A, B, C, D, E, F, G, H string
	I, J, K                int64
}

// TableName is wide.
func (wide) TableName() string { return "wide" }

// BenchmarkScan reads rows of twelve columns from SQLite: as Rows does, with pointers that were listed by hand, and by GORM.
func BenchmarkScan(b *testing.B) {
	db := sqldbtest.SQLite(b, "scan", migrations())
	const create = "CREATE TABLE wide (id BIGINT PRIMARY KEY, a TEXT, b TEXT, c TEXT, d TEXT, e TEXT, f TEXT, g TEXT, h TEXT, i BIGINT, " +
		"j BIGINT, k BIGINT)"
	if err := db.Write.Exec(create).Error; err != nil {
		b.Fatal(err)
	}
	for id := range int64(30) {
		row := wide{
			ID: id,
			A:  fmt.Sprint("title ", id),
			B:  "3f/3f0c9a9a9a9a9a9a.mp4",
			C:  "3f/3f0c9a9a9a9a9a9a.jpg",
			I:  id,
			J:  1 << 40,
			K:  1 << 50,
		}
		if err := db.Write.Create(&row).Error; err != nil {
			b.Fatal(err)
		}
	}
	const rest = "FROM wide WHERE id >= ? ORDER BY id LIMIT ?"
	byHand := func(read *gorm.DB, n int) ([]wide, error) {
		rows, err := read.Raw("SELECT id, a, b, c, d, e, f, g, h, i, j, k "+rest, 0, n).Rows()
		if err != nil {
			return nil, err
		}
		defer func() { _ = rows.Close() }()
		var all []wide
		var r wide
		into := []any{&r.ID, &r.A, &r.B, &r.C, &r.D, &r.E, &r.F, &r.G, &r.H, &r.I, &r.J, &r.K}
		for rows.Next() {
			r = wide{}
			if err := rows.Scan(into...); err != nil {
				return nil, err
			}
			all = append(all, r)
		}
		return all, rows.Err()
	}
	for name, list := range map[string]func(*gorm.DB, int) ([]wide, error){
		"rows": func(read *gorm.DB, n int) ([]wide, error) { return sqldb.Select[wide](read, rest, 0, n).All() },
		"hand": byHand,
		"gorm": func(read *gorm.DB, n int) (all []wide, err error) {
			return all, read.Where("id >= ?", 0).Order("id").Limit(n).Find(&all).Error
		},
	} {
		for _, n := range []int{1, 30} {
			b.Run(fmt.Sprint(name, "/", n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if all, err := list(db.Read.WithContext(b.Context()), n); err != nil || len(all) != n {
						b.Fatal(len(all), err)
					}
				}
			})
		}
	}
}
