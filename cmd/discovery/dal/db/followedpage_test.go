package db

import (
	"io/fs"
	"testing"

	"tiktok/pkg/sqldb"
	"tiktok/pkg/sqldb/sqldbtest"
)

// BenchmarkFollowedPages reads the first pages of 32 users who follow 80 each: of all authors, a page of authors that they share.
func BenchmarkFollowedPages(b *testing.B) {
	const users, follows, authors = 32, 80, 1000
	for name, open := range map[string]func(testing.TB, string, fs.FS) *sqldb.DB{"sqlite": sqldbtest.SQLite, "mysql": sqldbtest.MySQL} {
		s := New(open(b, "discovery", Migrations()))
		var videos []Video
		for i := range int64(20_000) {
			videos = append(videos, Video{ID: i + 1, AuthorID: 1 + i*7919%authors, PublishedMs: i + 1})
		}
		var rows []Follow
		pulls, pages := make([]Pull, users), make([]FollowedPage, users)
		for u := range int64(users) {
			pulls[u], pages[u] = Pull{Before: Newest(), Limit: 31}, FollowedPage{UserID: u + 1, Before: Newest(), Limit: 31}
			for i := range int64(follows) {
				author := 1 + (u*37+i*13)%authors
				rows = append(rows, Follow{UserID: u + 1, ToUserID: author, Following: true})
				pulls[u].Authors = append(pulls[u].Authors, author)
			}
		}
		for _, all := range []any{&videos, &rows} {
			if err := s.Write.CreateInBatches(all, 1000).Error; err != nil {
				b.Fatal(err)
			}
		}
		b.Run(name+"/pulled", func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Pulled(b.Context(), pulls); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/followed", func(b *testing.B) {
			for b.Loop() {
				if _, err := s.FollowedPages(b.Context(), pages); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
