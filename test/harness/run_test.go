package harness

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// A run ends at its first fatal failure, cleans up in reverse, and reports everything that failed.
func TestRun(t *testing.T) {
	var did []string
	var dir string
	err := Run(context.Background(), "x", func(t testing.TB) {
		t.Cleanup(func() { did = append(did, "first") })
		t.Cleanup(func() { did = append(did, "second"); t.Error("unclean") })
		if dir = t.TempDir(); t.Failed() {
			t.Fatal("failed already")
		}
		t.Errorf("went %s", "wrong")
		Parallel(t, 2, func(t testing.TB, _ int) { t.Fatal("both") })
		did = append(did, "more")
	})
	if want := []string{"second", "first"}; !slices.Equal(did, want) {
		t.Errorf("%q, want %q", did, want)
	}
	if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, []string{"went wrong", "both", "both", "unclean"}) {
		t.Errorf("%q", got)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder is left")
	}
	if err := Run(context.Background(), "x", func(testing.TB) {}); err != nil {
		t.Error(err)
	}
}
