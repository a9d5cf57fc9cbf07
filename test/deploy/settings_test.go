package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tiktok/cmd/services"
	"tiktok/config"
)

// secrets are what .env, or a Secret of Kubernetes, adds to the settings of deploy/.
func secrets() []string {
	return []string{
		"TIKTOK_AUTH_SECRET=0123456789abcdef0123456789abcdef", "TIKTOK_DB_USER=e", "TIKTOK_DB_PASSWORD=a", "TIKTOK_CACHE_PASSWORD=b",
		"TIKTOK_QUEUE_URL=amqp://tiktok:c@rabbitmq:5672/", "TIKTOK_BLOB_S3_SECRET_KEY=d",
		"TIKTOK_GATEWAY_PUBLIC_BASE_URL=https://v.example.com", // of .env, or of the chart
	}
}

// validate loads settings as each of the eight processes does.
func validate(t *testing.T, where string, file func(service string) string, environ func(service string) []string) {
	t.Helper()
	for _, s := range services.All() {
		cfg, err := config.Load(file(s.Name), environ(s.Name), nil)
		if err == nil {
			cfg = cfg.ForProcess(s.Process)
			err = cfg.Validate(s.Process)
		}
		if err != nil {
			t.Errorf("%s: %s: %v", where, s.Name, err)
			continue
		}
		if cfg.DB.Driver != "mysql" || cfg.Cache.Driver != "redis" || cfg.Queue.Driver != "rabbitmq" || cfg.Blob.Driver != "s3" {
			t.Errorf("%s: %s would not use the servers: %+v", where, s.Name, cfg)
		}
	}
}

// What is mounted into containers are settings that the programs take.
func TestSettingsOfServers(t *testing.T) {
	var values struct{ Config yaml.Node }
	raw, err := os.ReadFile("../../deploy/helm/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, &values); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(&values.Config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	validate(t, "helm/values.yaml", func(string) string { return file }, func(string) []string { return secrets() })

	cfg, err := config.Load("../../deploy/config/single.yaml", nil, nil)
	if err == nil {
		err = cfg.Validate(config.AllInOneProcess())
	}
	if err != nil {
		t.Errorf("config/single.yaml: %v", err)
	}
}

// The variables that the compose files set are settings as well, together with config/config.yaml on the server; and so the
// files that they name are there.
func TestSettingsOfCompose(t *testing.T) {
	certs := makeCerts(t)
	for name, file := range map[string]func(string) string{
		devFile:    func(string) string { return "" },
		serverFile: func(service string) string { return serverConfig(t, certs, service) },
	} {
		compose := readCompose(t, name)
		validate(t, name, file, func(service string) []string {
			var environ []string
			for key, value := range compose.Services[service].Environment {
				if strings.HasPrefix(key, "TIKTOK_") && key != "TIKTOK_AUTH_SECRET_FILE" {
					environ = append(environ, key+"="+interpolate(value))
				}
			}
			if service == "api" && name == devFile {
				environ = append(environ, secrets()[0]) // there it stands in a volume
			}
			return environ
		})
	}
}

// interpolate does what compose does with ${NAME:-default}, ${NAME-default} and ${NAME:?} when the names are not set.
func interpolate(value string) string {
	value = regexp.MustCompile(`\$\{PUBLIC_URL:\?[^}]*\}`).ReplaceAllString(value, "https://v.example.com")
	value = regexp.MustCompile(`\$\{\w+:?-([^}]*)\}`).ReplaceAllString(value, "$1")
	return regexp.MustCompile(`\$\{\w+:\?[^}]*\}`).ReplaceAllString(value, "0123456789abcdef0123456789abcdef")
}
