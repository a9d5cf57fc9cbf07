package arch_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tiktok/cmd/services"
)

// composeFile is what the tests look at.
type composeFile struct {
	Services map[string]composeService `yaml:"services"`
	Volumes  map[string]any            `yaml:"volumes"`
}

type composeService struct {
	Image       string         `yaml:"image"`
	Profiles    []string       `yaml:"profiles"`
	Ports       []string       `yaml:"ports"`
	Volumes     []string       `yaml:"volumes"`
	Environment map[string]any `yaml:"environment"`
	ReadOnly    bool           `yaml:"read_only"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
}

func readCompose(t *testing.T, name string) composeFile {
	t.Helper()
	raw, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	var file composeFile
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return file
}

// ofTheApp tells the services that run our own image, which has its health check.
func (s composeService) ofTheApp() bool { return strings.HasPrefix(s.Image, "${APP_IMAGE") }

// pinned is a tag that does not move, and a name without a registry's host, but for etcd, which has one only. That each has
// its digest as well is tested in test/deploy.
var pinned = regexp.MustCompile(`^([a-z0-9_-]+/|gcr\.io/etcd-development/)?[a-z0-9_-]+:v?\d+\.\d+\.\d+`)

// TestCompose reads the compose files: pinned images, loopback only, a health check each, declared volumes.
func TestCompose(t *testing.T) {
	for _, name := range []string{"docker-compose.yml", "docker-compose.ci.yml", "deploy/docker-compose.yml"} {
		file := readCompose(t, name)
		for service, s := range file.Services {
			image := s.Image
			if rest, ok := strings.CutPrefix(image, "${MYSQL_IMAGE:-"); ok {
				image = strings.TrimSuffix(rest, "}")
			}
			if !s.ofTheApp() && !pinned.MatchString(image) {
				t.Errorf("%s: %s: image %q is not pinned", name, service, s.Image)
			}
			if s.ofTheApp() && service != "secret" && !s.ReadOnly {
				t.Errorf("%s: %s: the root file system can be written to", name, service)
			}
			watches := strings.HasPrefix(name, "deploy/") && len(s.Profiles) > 0
			bare := service == "redis-exporter" && s.Healthcheck.Test == nil // an image of one file
			if !s.ofTheApp() && !watches && !bare && len(s.Healthcheck.Test) == 0 {
				t.Errorf("%s: %s has no health check", name, service)
			}
			for _, p := range s.Ports {
				// Phones reach the gateway; on a server nginx does.
				if !strings.HasPrefix(p, "127.0.0.1:") && (p != "${HTTP_ADDR:-0.0.0.0:10001}:10001" || name != "docker-compose.yml") {
					t.Errorf("%s: %s: port %s is not on loopback", name, service, p)
				}
			}
			for _, v := range s.Volumes {
				volume, _, named := strings.Cut(v, ":")
				own := !named && strings.HasPrefix(v, "/") // of this container alone
				// The exporter of the machine looks at its disks.
				machine := service == "node-exporter" && v == "/:/host:ro"
				if _, ok := file.Volumes[volume]; !ok && !machine && !own && !strings.HasPrefix(volume, "./") {
					t.Errorf("%s: %s: volume %s is not declared", name, service, volume)
				}
			}
		}
	}
}

// The ports of the servers are those of test/env.sh, because the same settings must reach both.
func TestComposePorts(t *testing.T) {
	for name, instance := range map[string]string{"docker-compose.yml": "dev", "docker-compose.ci.yml": "test"} {
		cmd := exec.CommandContext(t.Context(), "bash", "test/env.sh", "env")
		cmd.Dir = "../.."
		cmd.Env = append(os.Environ(), "TIKTOK_ENV_NAME="+instance)
		settings, err := cmd.Output()
		if err != nil {
			t.Fatalf("test/env.sh env: %v", err)
		}
		file := readCompose(t, name)
		for _, service := range []string{"mysql", "redis", "rabbitmq", "etcd"} {
			s := file.Services[service]
			if len(s.Ports) != 1 {
				t.Errorf("%s: %s: ports %v", name, service, s.Ports)
				continue
			}
			host, _, _ := strings.Cut(strings.TrimPrefix(s.Ports[0], "127.0.0.1:"), ":")
			if !strings.Contains(string(settings), "127.0.0.1:"+host) {
				t.Errorf("%s: %s: port %s is not what test/env.sh says:\n%s", name, service, s.Ports[0], settings)
			}
		}
	}
}

// In containers the services run with settings that exist, one each, and Prometheus finds the ports that it knows.
func TestComposeServices(t *testing.T) {
	targets, err := os.ReadFile("../../deploy/prometheus/targets/tiktok.yml")
	if err != nil {
		t.Fatal(err)
	}
	servers, err := os.ReadFile("../../deploy/prometheus/targets/servers.yml")
	if err != nil {
		t.Fatal(err)
	}
	watched := regexp.MustCompile(`targets: \["([a-z0-9-]+):\d+"\]`).FindAllStringSubmatch(string(servers), -1)
	if len(watched) < 5 {
		t.Errorf("only %d servers are watched", len(watched))
	}
	for _, name := range []string{"docker-compose.yml", "deploy/docker-compose.yml"} {
		file := readCompose(t, name)
		for _, m := range watched {
			if _, ok := file.Services[m[1]]; !ok {
				t.Errorf("%s has no %s, which targets/servers.yml names", name, m[1])
			}
		}
		for _, service := range services.Names() {
			s := file.Services[service]
			admin, _ := s.Environment["TIKTOK_TELEMETRY_ADMIN_ADDR"].(string)
			if s.Environment["SERVICE"] != service || !strings.Contains(string(targets), `"`+service+admin+`"`) {
				t.Errorf("%s: %s runs %v with its admin address on %q", name, service, s.Environment["SERVICE"], admin)
			}
		}
	}
}
