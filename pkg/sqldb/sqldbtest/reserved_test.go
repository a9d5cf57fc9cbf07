package sqldbtest

import (
	"slices"
	"testing"
)

func TestReserved(t *testing.T) {
	for statement, want := range map[string][]string{
		"SELECT a AS stored FROM t":                                                              {"stored"},
		"SELECT SUM(stored) AS stored, 1 AS Rank FROM t":                                         {"stored", "rank"},
		"CREATE TABLE groups (id BIGINT NOT NULL, system INT)":                                   {"groups", "system"},
		"SELECT t.lead FROM t":                                                                   {"lead"},
		"SELECT `stored`, 'stored', \"of\" FROM t -- rank\nWHERE a = @lead":                      nil,
		"INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE a = a":                       nil,
		"SELECT 'it''s of \\' rank' FROM JSON_TABLE(?, '$[*]' COLUMNS (a INT PATH '$[0]')) AS j": nil,
	} {
		if got := Reserved(statement); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", statement, got, want)
		}
	}
}
