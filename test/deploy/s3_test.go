package deploy_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tiktok/pkg/blob"
	"tiktok/pkg/tlsconf"
	"tiktok/test/harness"
)

// The S3 server of the compose files, with their arguments and variables: it is healthy where the health check asks, takes
// the product's login, and shows no secret among its arguments. The program is the one in the image (.ci/s3).
func TestS3Command(t *testing.T) {
	program := os.Getenv("TIKTOK_TEST_S3_BIN")
	if program == "" {
		t.Skip("TIKTOK_TEST_S3_BIN is not set")
	}
	const secret = "a-secret-of-this-test"
	for _, file := range []string{devFile, serverFile} {
		s := readCompose(t, file).Services["s3"]
		var command []string
		if err := s.Command.Decode(&command); err != nil {
			t.Fatal(err)
		}
		addr := harness.FreePort(t)
		command[len(command)-1] = t.TempDir()
		certs, client := makeCerts(t)+"/s3/", http.DefaultClient
		scheme := "http://"
		if file == serverFile {
			scheme = "https://"
			conf, err := tlsconf.Config{Files: tlsconf.Files{CA: certs + "ca.crt"}}.Client("127.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			client = &http.Client{Transport: &http.Transport{TLSClientConfig: conf}}
		}
		var out bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, command...)
		cmd.Stdout, cmd.Stderr = &out, &out
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		for key, value := range s.Environment {
			switch key {
			case "VGW_PORT":
				value = addr
			case "ROOT_SECRET_ACCESS_KEY":
				value = secret
			case "VGW_CERT", "VGW_KEY":
				value = strings.Replace(value, "/tls/", certs, 1)
			}
			cmd.Env = append(cmd.Env, key+"="+interpolate(value))
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		health := words(t, s.Healthcheck.Test)
		health = strings.Replace(health[strings.Index(health, scheme):], "127.0.0.1:9000", addr, 1)
		harness.Eventually(t, 20*time.Second, func() error {
			res, err := client.Get(strings.TrimSpace(health)) //nolint:noctx // bounded by the test
			if err != nil {
				return fmt.Errorf("%w\n%s", err, out.String())
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %d", health, res.StatusCode)
			}
			return nil
		})
		cfg := blob.Config{Driver: blob.DriverS3}
		cfg.S3.Endpoint, cfg.S3.Region, cfg.S3.Bucket, cfg.S3.Lookup = scheme+addr, "us-east-1", "tiktok", "path"
		cfg.S3.AccessKey, cfg.S3.SecretKey = s.Environment["ROOT_ACCESS_KEY_ID"], secret
		cfg.S3.CreateBucket, cfg.S3.PartBytes, cfg.S3.Timeout = true, blob.MinPart, 10*time.Second
		if file == serverFile {
			cfg.S3.TLS.CA = certs + "ca.crt"
		}
		store, err := blob.Open(t.Context(), cfg)
		if err != nil {
			t.Errorf("%s: %v\n%s", file, err, out.String())
		} else if _, err := store.Put(t.Context(), "videos/1.mp4", strings.NewReader("film"), ""); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		processes, err := exec.CommandContext(t.Context(), "ps", "-eo", "args").Output()
		if err != nil || strings.Contains(string(processes), secret) {
			t.Errorf("%s: the secret stands among the arguments, or %v", file, err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // killed
	}
}
