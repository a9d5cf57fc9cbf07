package services

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tiktok/cmd/internal/boot"
	"tiktok/pkg/sqldb"
)

// CheckDatabases returns a boot.SettingsError when a service of db.services is none, or has no schema: its settings would be used by
// nobody.
func CheckDatabases(db sqldb.Config) error {
	var with []string
	for _, s := range All() {
		if s.Migrations != nil {
			with = append(with, s.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(db.Services)) {
		if !slices.Contains(with, name) {
			err := fmt.Errorf("db.services: %q has no schema, want one of %s", name, strings.Join(with, ", "))
			return boot.SettingsError{Cause: err}
		}
	}
	return nil
}
