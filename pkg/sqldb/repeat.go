package sqldb

import "strings"

// UnionAll is n times the same query, so that one statement asks it about n things. It is empty for n below 1. SQLite
// takes 500 in one statement.
func UnionAll(query string, n int) string { return repeat(query, " UNION ALL ", n) }

// Pairs is the list (?,?),(?,?) with n pairs. It is empty for n below 1.
func Pairs(n int) string { return repeat("(?,?)", ",", n) }

func repeat(s, between string, n int) string {
	return strings.TrimSuffix(strings.Repeat(s+between, max(n, 0)), between)
}
