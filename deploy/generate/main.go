// Command generate brings all that is made of the list of services up to date: Grafana's dashboards, and the parts of
// deployment files and documents that package render knows. Run it in the folder of go.mod: go run ./deploy/generate
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tiktok/deploy/render"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1) //nolint:forbidigo // a program without a process of the product
	}
}

func write(root string) error {
	files, err := render.Files(root, render.Services())
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		old, err := os.ReadFile(path)
		if err == nil && bytes.Equal(old, text) {
			continue
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// What exists keeps its mode: some are scripts.
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // for Grafana and everybody to read
			return err
		}
		fmt.Println(name)
	}
	return nil
}
