// Command generate writes Grafana's dashboards from package boards: go run ./deploy/grafana/generate, in the folder of go.mod.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"tiktok/deploy/grafana/boards"
)

func main() {
	if err := write("deploy/grafana/dashboards"); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1) //nolint:forbidigo // a program without a process of the product
	}
}

func write(dir string) error {
	for _, b := range boards.All() {
		text, err := b.JSON()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, b.UID+".json"), text, 0o644); err != nil { //nolint:gosec // for Grafana to read
			return err
		}
	}
	return nil
}
