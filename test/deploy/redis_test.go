package deploy_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/test/harness"
)

// The command of Redis in the compose files, run by a shell and a Redis: it takes the settings, asks for the password, and
// nobody who lists processes reads it.
func TestRedisCommand(t *testing.T) {
	for _, program := range []string{"redis-server", "redis-cli"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	for file, memory := range map[string]string{devFile: "268435456", serverFile: "1073741824"} {
		var command []string
		node := readCompose(t, file).Services["redis"].Command
		if err := node.Decode(&command); err != nil {
			t.Fatal(err)
		}
		_, port, _ := strings.Cut(harness.FreePort(t), ":")
		script := strings.ReplaceAll(command[len(command)-1], "$$", "$")
		script = strings.Replace(script, "<<CONF\n", "<<CONF\nport "+port+"\nbind 127.0.0.1\n", 1)
		var tls []string
		if file == serverFile {
			certs := makeCerts(t) + "/redis/"
			script = strings.ReplaceAll(strings.ReplaceAll(script, " /tls/", " "+certs), "tls-port 6379", "tls-port "+port)
			tls = []string{"--tls", "--cacert", certs + "ca.crt"}
		}
		var out bytes.Buffer
		cmd := exec.CommandContext(t.Context(), command[0], append(command[1:len(command)-1], script)...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &out, &out
		cmd.Env = append(os.Environ(), "REDISCLI_AUTH=correcthorse")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ask := func(password string, args ...string) string {
			cli := exec.CommandContext(t.Context(), "redis-cli", slices.Concat([]string{"-p", port}, tls, args)...)
			cli.Env = append(os.Environ(), "REDISCLI_AUTH="+password)
			answer, err := cli.CombinedOutput()
			if err != nil {
				return err.Error() + string(answer)
			}
			return strings.TrimSpace(string(answer))
		}
		harness.Eventually(t, 20*time.Second, func() error {
			if got := ask("correcthorse", "ping"); got != "PONG" {
				return fmt.Errorf("%s: %s", file, got)
			}
			return nil
		})
		if got := ask("wrong", "ping"); !strings.Contains(got, "WRONGPASS") {
			t.Errorf("%s: a wrong password: %s", file, got)
		}
		for setting, want := range map[string]string{
			"maxmemory": memory, "maxmemory-policy": "allkeys-lru", "appendonly": "no",
			"save": "",
		} {
			if got := strings.TrimSpace(strings.TrimPrefix(ask("correcthorse", "config", "get", setting), setting)); got != want {
				t.Errorf("%s: %s is %q, want %q", file, setting, got, want)
			}
		}
		processes, err := exec.CommandContext(t.Context(), "ps", "-eo", "args").Output()
		if err != nil || strings.Contains(string(processes), "correcthorse") {
			t.Errorf("%s: the password stands among the arguments, or %v", file, err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // killed
	}
}
