package deploy_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tiktok/cmd/tiktok/cli"
)

// makeCerts is a folder of certificates, made as the container certs makes them.
func makeCerts(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	var args []string
	command := readCompose(t, serverFile).Services["certs"].Command
	if err := command.Decode(&args); err != nil {
		t.Fatal(err)
	}
	if args[0] != "certs" || args[1] != "--out" {
		t.Fatalf("the container certs runs %v", args)
	}
	args[2] = dir
	var errors strings.Builder
	if code := cli.Run(t.Context(), args, nil, io.Discard, &errors); code != 0 {
		t.Fatalf("certs: %d, %s", code, errors.String())
	}
	return dir
}

// serverConfig is deploy/config/config.yaml as one process reads it, whose certificates are in a folder of certs.
func serverConfig(t *testing.T, certs, service string) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/config/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), "/etc/tiktok/tls", filepath.Join(certs, service))),
		0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
