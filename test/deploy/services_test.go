package deploy_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tiktok/deploy/render"
)

const root = "../.."

// What is made of the list of services is up to date.
func TestGeneratedFiles(t *testing.T) {
	files, err := render.Files(root, render.Services())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what go run ./deploy/generate writes: %v", name, err)
		}
	}
}

// Every service is in every place where one has to be.
func TestEveryServiceIsInEachPlace(t *testing.T) {
	list := render.Services()
	checkPlaces(t, root, list)
	certs := makeCerts(t)
	for _, s := range list {
		if _, err := os.Stat(filepath.Join(certs, s.Name, "tls.key")); err != nil {
			t.Errorf("no certificate for %s: %v", s.Name, err)
		}
	}
	architecture := section(t, "docs/architecture.md", "Services and calls")
	for _, s := range list.RPC() {
		if !regexp.MustCompile(`(?m)^\| ` + s.Name + ` \|`).MatchString(architecture) {
			t.Errorf("docs/architecture.md does not say what %s is for", s.Name)
		}
		for _, caller := range s.CalledBy {
			arrow := regexp.MustCompile(`\b` + caller + ` ──► (\w+, )*` + s.Name + `\b`)
			if !arrow.MatchString(architecture) {
				t.Errorf("docs/architecture.md does not say that %s calls %s", caller, s.Name)
			}
		}
	}
}

// A service that is only added to the list is in every place once the files are generated.
func TestNewServiceIsInEachPlace(t *testing.T) {
	list := slices.Insert(render.Services(), 7, render.Service{
		Name: "probe", Port: "10009", Admin: "10109", Queue: true, Media: true, CalledBy: []string{"chat", "api"},
	})
	dir := t.TempDir()
	copyTree(t, dir, "deploy", "docs", "docker-compose.yml", "docker-run.sh", ".env.example")
	files, err := render.Files(dir, list)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	checkPlaces(t, dir, list)
}

// checkPlaces looks for each service of a list in the files below a folder.
func checkPlaces(t *testing.T, root string, list render.List) {
	t.Helper()
	text := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	has := func(name, pattern string) {
		t.Helper()
		if !regexp.MustCompile(`(?m)` + pattern).MatchString(text(name)) {
			t.Errorf("%s has no %s", name, pattern)
		}
	}
	for _, s := range list {
		checkContainers(t, root, s)
		has("deploy/prometheus/targets/tiktok.yml", fmt.Sprintf(`^- \{targets: \["%s:%s"\], labels: \{process: %s\}\}$`, s.Name,
			s.Admin, s.Name))
		has("deploy/prometheus/prometheus.dns.yml", fmt.Sprintf(`\{names: \[%s\], type: A, port: %s,`, s.Name, s.Admin))
		has("deploy/grafana/dashboards/tiktok-"+s.Name+".json", fmt.Sprintf(`process=~\\"%s\|tiktok\\"`, s.Name))
		has("docker-run.sh", `^services='.*\b`+s.Name+`\b`)
		has("deploy/helm/values.yaml", fmt.Sprintf(`^  %s: \{port: %s, admin: %s,`, s.Name, s.Port, s.Admin))
		has("deploy/helm/templates/_helpers.tpl", fmt.Sprintf(`^%s: \{uses: \[%s\], callers: \[%s\]\}$`, s.Name, s.Uses(), s.Callers()))
		has("deploy/README.md", "^\\| `"+s.Name+"` \\| .*`rpc`")
		has("docs/operations.md", "^\\| `"+s.Name+"` \\| .*"+s.Port+".*"+s.Admin)
		if s.Gateway {
			continue
		}
		has(".env.example", `^# DB_PASSWORD_`+s.Upper()+`=`)
		has("deploy/.env.example", `^DB_PASSWORD_`+s.Upper()+`=$`)
		has("deploy/helm/values.yaml", `^  TIKTOK_DB_PASSWORD_`+s.Upper()+`: ""$`)
	}
	out, err := exec.CommandContext(t.Context(), "sh", filepath.Join(root, "deploy/restart-service-all.sh"), "list").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != list.Names() {
		t.Errorf("restart-service-all.sh replaces %s, %v, want %s", out, err, list.Names())
	}
	checkStatements(t, root, list)
}

// checkContainers: the service has a container in both compose files, which listens where Prometheus and its callers look,
// and MySQL is given the password of its account.
func checkContainers(t *testing.T, root string, s render.Service) {
	t.Helper()
	for _, file := range []string{"docker-compose.yml", "deploy/docker-compose.yml"} {
		var c composeFile
		load(t, filepath.Join(root, file), &c)
		environment := c.Services[s.Name].Environment
		want := map[string]string{"SERVICE": s.Name, "TIKTOK_TELEMETRY_ADMIN_ADDR": ":" + s.Admin}
		if !s.Gateway {
			want["TIKTOK_RPC_LISTEN"] = ":" + s.Port
			want["TIKTOK_DB_USER"] = "tiktok_" + s.Name
			if c.Services["mysql"].Environment["DB_PASSWORD_"+s.Upper()] == "" {
				t.Errorf("%s: MySQL is not given the password of %s", file, s.Name)
			}
		}
		for key, value := range want {
			if environment[key] != value {
				t.Errorf("%s: %s: %s is %q, want %q", file, s.Name, key, environment[key], value)
			}
		}
		if _, queue := environment["TIKTOK_QUEUE_URL"]; queue != s.Queue {
			t.Errorf("%s: %s is given the login of RabbitMQ: %v, want %v", file, s.Name, queue, s.Queue)
		}
		if _, media := environment["TIKTOK_BLOB_S3_SECRET_KEY"]; media != s.Media {
			t.Errorf("%s: %s is given the login of S3: %v, want %v", file, s.Name, media, s.Media)
		}
	}
}

// checkStatements: accounts.sh makes an account for each service, with rights on its own schema.
func checkStatements(t *testing.T, root string, list render.List) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", filepath.Join(root, "deploy/mysql/accounts.sh"), "print")
	cmd.Env = append(os.Environ(), "DB_PASSWORD_ADMIN=x", "DB_PASSWORD_BACKUP=x", "DB_PASSWORD_EXPORTER=x")
	for _, s := range list.RPC() {
		cmd.Env = append(cmd.Env, "DB_PASSWORD_"+s.Upper()+"=x")
	}
	out, err := cmd.CombinedOutput()
	for _, s := range list.RPC() {
		grant := fmt.Sprintf("GRANT ALL PRIVILEGES ON `tiktok\\_%s`.* TO 'tiktok_%s'@'%%';", s.Name, s.Name)
		if err != nil || !strings.Contains(string(out), grant) {
			t.Errorf("accounts.sh: %v: no %s in\n%s", err, grant, out)
		}
	}
}

// section is the text below a heading of a document.
func section(t *testing.T, file, heading string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(raw), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %s", file, heading)
	}
	text, _, _ := strings.Cut(after, "\n## ")
	return text
}

// copyTree copies files and folders of the repository.
func copyTree(t *testing.T, into string, names ...string) {
	t.Helper()
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(root, name), func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			if e.IsDir() {
				return os.MkdirAll(filepath.Join(into, rel), 0o700)
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(into, rel), raw, 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
