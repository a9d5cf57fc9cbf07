package arch_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestCompose reads docker-compose.yml: pinned images, loopback only, a health check each, and the ports that
// test/env.sh uses, because the same settings must reach both.
func TestCompose(t *testing.T) {
	raw, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image       string   `yaml:"image"`
			Ports       []string `yaml:"ports"`
			Volumes     []string `yaml:"volumes"`
			Healthcheck struct {
				Test []string `yaml:"test"`
			} `yaml:"healthcheck"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "test/env.sh", "env")
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "TIKTOK_ENV_NAME=dev")
	settings, err := cmd.Output()
	if err != nil {
		t.Fatalf("test/env.sh env: %v", err)
	}
	pinned := regexp.MustCompile(`^[a-z0-9/-]+:v?\d+\.\d+\.\d+`)
	for _, name := range []string{"mysql", "redis", "rabbitmq", "etcd"} {
		s, ok := file.Services[name]
		if !ok || len(s.Ports) != 1 || len(s.Healthcheck.Test) == 0 || !pinned.MatchString(s.Image) {
			t.Errorf("%s: image %q, ports %v, health check %v", name, s.Image, s.Ports, s.Healthcheck.Test)
			continue
		}
		host, _, _ := strings.Cut(strings.TrimPrefix(s.Ports[0], "127.0.0.1:"), ":")
		if !strings.HasPrefix(s.Ports[0], "127.0.0.1:") || !strings.Contains(string(settings), "127.0.0.1:"+host) {
			t.Errorf("%s: port %s is not what test/env.sh says:\n%s", name, s.Ports[0], settings)
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, ok := file.Volumes[volume]; !ok {
				t.Errorf("%s: volume %s is not declared", name, volume)
			}
		}
	}
}
