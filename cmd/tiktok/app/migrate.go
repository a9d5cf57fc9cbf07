package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"tiktok/cmd/services"
	"tiktok/config"
	"tiktok/pkg/sqldb"
)

// Migrate brings the schema of every service up to date, on whatever store the settings name, and reports each one.
// Every service does the same for its own schema when it starts, under the same lock: this is for doing it beforehand.
func Migrate(ctx context.Context, cfg config.Config, report func(format string, args ...any)) error {
	for _, s := range services.All() {
		if s.Migrations == nil {
			continue
		}
		if err := migrate(ctx, cfg.DB, s.Name, s.Migrations()); err != nil {
			return err
		}
		report("%-12s up to date", s.Name)
	}
	return nil
}

func migrate(ctx context.Context, cfg sqldb.Config, name string, migrations fs.FS) error {
	db, err := sqldb.Open(ctx, cfg, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return errors.Join(db.Migrate(ctx, migrations), db.Close())
}
