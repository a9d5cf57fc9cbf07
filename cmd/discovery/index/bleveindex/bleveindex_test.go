package bleveindex_test

import (
	"log/slog"
	"testing"

	"tiktok/cmd/discovery/index"
	"tiktok/cmd/discovery/index/bleveindex"
	"tiktok/cmd/discovery/index/indextest"
)

func open(t testing.TB, dir string) *bleveindex.Engine {
	t.Helper()
	e, err := bleveindex.Open(bleveindex.Config{Dir: dir}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestConformance(t *testing.T) {
	indextest.Run(t, func(t *testing.T) index.Engine {
		e := open(t, t.TempDir())
		t.Cleanup(func() {
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
		return e
	})
}
