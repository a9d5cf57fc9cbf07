package main

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// A new command must not be missing from the image.
func TestEveryCommandIsInIt(t *testing.T) {
	files, err := filepath.Glob("../*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range files {
		if name := filepath.Base(filepath.Dir(f)); name != "bundle" {
			want = append(want, name)
		}
	}
	if got := slices.Sorted(maps.Keys(programs())); len(want) < 11 || !slices.Equal(got, want) {
		t.Errorf("the bundle has %v, cmd/ has %v", got, want)
	}
}
