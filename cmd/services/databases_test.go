package services

import (
	"errors"
	"strings"
	"testing"

	"tiktok/cmd/internal/boot"
	"tiktok/pkg/sqldb"
)

func TestCheckDatabases(t *testing.T) {
	for name, good := range map[string]bool{"user": true, "discovery": true, "api": false, "usr": false} {
		err := CheckDatabases(sqldb.Config{Services: map[string]sqldb.Server{name: {Addr: "a:1"}}})
		var bad boot.SettingsError
		if good != (err == nil) || !good && (!errors.As(err, &bad) || !strings.Contains(err.Error(), name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
