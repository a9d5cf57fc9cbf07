package cli

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"tiktok/cmd/services"
	"tiktok/config"
)

// run runs a command line with these variables, and returns the exit code and what was printed.
func run(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), args, environ, &out, &errs)
	return code, out.String(), errs.String()
}

// each calls f with the arguments that name each command, the generated ones excepted.
func each(f func(cmd *cobra.Command, path []string)) {
	var walk func(cmd *cobra.Command, path []string)
	walk = func(cmd *cobra.Command, path []string) {
		f(cmd, path)
		for _, c := range cmd.Commands() {
			walk(c, append(slices.Clone(path), c.Name()))
		}
	}
	walk(command(nil), nil)
}

// Every command explains itself, knows its version, and refuses what it does not know, with a hint.
func TestEveryCommand(t *testing.T) {
	commands := 0
	each(func(cmd *cobra.Command, path []string) {
		commands++
		name := strings.Join(append([]string{config.AllInOne}, path...), " ")
		if code, out, errs := run(t, nil, append(path, "--help")...); code != 0 || !strings.Contains(out, "Usage:") || errs != "" ||
			cmd.Short == "" {
			t.Errorf("%s --help: %d\n%s%s", name, code, out, errs)
		}
		if code, out, errs := run(t, nil, append(path, "--version")...); code != 0 || !strings.HasPrefix(out, "tiktok ") || errs != "" {
			t.Errorf("%s --version: %d, %q, %q", name, code, out, errs)
		}
		for _, refused := range []struct {
			args []string
			want string
		}{
			{[]string{"--nope"}, "--nope"},
			{[]string{"-config", "x"}, "-config: use --config"},
			{[]string{"-healthcheck=ready"}, "use --healthcheck"},
			{[]string{"too", "many", "arguments"}, ""},
		} {
			code, out, errs := run(t, nil, append(slices.Clone(path), refused.args...)...)
			if code != exitUsage || out != "" || !strings.Contains(errs, refused.want) || !strings.Contains(errs, "--help") {
				t.Errorf("%s %v: %d\n%s%s", name, refused.args, code, out, errs)
			}
		}
		for _, line := range strings.Split(cmd.Long, "\n") {
			if len(line) > 160 {
				t.Errorf("%s: a line of its help is too long: %s", name, line)
			}
		}
	})
	if commands < 20 {
		t.Errorf("only %d commands", commands)
	}
}

// Every service of the list is a command, which a program of its own runs too.
func TestEveryServiceIsACommand(t *testing.T) {
	_, out, _ := run(t, nil, "services")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i, s := range services.Processes() {
		if fields := strings.Fields(lines[i+1]); len(fields) != 3 || fields[0] != s.Name || fields[2] != s.AdminAddr {
			t.Errorf("%s is listed as %q", s.Name, lines[i+1])
		}
		if code, out, _ := run(t, nil, s.Name, "--help"); code != 0 || strings.Contains(out, "--addr") != s.Uses.Gateway {
			t.Errorf("%s --help: %d\n%s", s.Name, code, out)
		}
		text, err := os.ReadFile(filepath.Join("..", "..", s.Name, "main.go"))
		if err != nil || !strings.Contains(string(text), `cli.Main("`+s.Name+`")`) {
			t.Errorf("main of %s: %v", s.Name, err)
		}
	}
}

func TestHints(t *testing.T) {
	for line, want := range map[string]string{
		"deadletters":               `did you mean dead-letters?`,
		"etcdlogin":                 `did you mean etcd-login?`,
		"blobcopy export x":         `there is no command "blobcopy"`,
		"usr":                       `did you mean user?`,
		"--check-config":            "use tiktok config check",
		"api --check-config":        "use tiktok config check",
		"dead-letters":              "which of drop, list, replay?",
		"dead-letters eat":          `no command "eat"`,
		"dead-letters list x":       `"x" is one argument too many`,
		"blobs export":              "want 1 arguments, FOLDER",
		"config check nobody":       `there is no process "nobody", only user`,
		"--healthcheck=nonsense":    "nonsense",
		"audit --data":              "--data",
		"--set db.dir":              "key=value",
		"demo --url 127.0.0.1:1":    "http(s)://",
		"certs --key-mode 0666":     "0600, 0640 or 0644",
		"dead-letters list --queue": "--queue",
	} {
		if code, _, errs := run(t, nil, strings.Fields(line)...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%s: %d, want %q in\n%s", line, code, want, errs)
		}
	}
	if code, _, errs := run(t, nil, "demo", "--url", "http://127.0.0.1:1"); code != exitFailed || !strings.Contains(errs, "refused") {
		t.Errorf("nobody there: %d, %s", code, errs)
	}
}

func TestVersionAndCompletion(t *testing.T) {
	if code, out, _ := run(t, nil, "version"); code != 0 || !strings.Contains(out, "commit ") || !strings.Contains(out, "go1.") {
		t.Errorf("version: %d %q", code, out)
	}
	if code, out, _ := run(t, nil, "completion", "bash"); code != 0 || !strings.Contains(out, "__start_tiktok") {
		t.Errorf("completion: %d", code)
	}
}

// Later wins: environment, flag.
func TestSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("gateway: {addr: ':9', feed_size: 7}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"flag": {"--config", file}, "variable": nil} {
		cmd := &cobra.Command{}
		s := addSettings(
			cmd,
			[]string{"TIKTOK_GATEWAY_ADDR=:8", "TIKTOK_CONFIG=" + map[string]string{"flag": "/nowhere", "variable": file}[name]},
		)
		s.addr(cmd)
		s.toggle(cmd, "demo", "demo.enabled", "")
		if err := cmd.ParseFlags(append(args, "--addr", ":7", "--demo=false", "--set", "db.max_open=3",
			"--set=db.schema_prefix=x=y")); err != nil {
			t.Fatal(err)
		}
		cfg, err := s.load(config.AllInOneProcess())
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Gateway.Addr != ":7" || cfg.Gateway.FeedSize != 7 || cfg.Demo.Enabled || cfg.DB.MaxOpen != 3 || cfg.DB.SchemaPrefix != "x=y" {
			t.Errorf("%s: got %+v", name, cfg)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	text := "auth: {secret: tops3cret-tops3cret-tops3cret-1234}\nrpc: {registry: ['127.0.0.1:1']}\ngateway: {public_base_url: from-host}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, process := range processNames() {
		code, out, errs := run(t, nil, "config", "check", process, "--config", file)
		if code != 0 || !strings.Contains(out, process+": settings are good") || strings.Contains(out+errs, "tops3cret") ||
			!strings.Contains(out, "auth.secret = ***") {
			t.Errorf("%s: %d\n%s%s", process, code, out, errs)
		}
	}
	if code, out, errs := run(t, nil, "config", "check", "--config", file); code != 0 || !strings.Contains(out, "tiktok: settings are good") {
		t.Errorf("without a name: %d\n%s", code, errs)
	}
}

// Settings that cannot be used end with 2, before anything is opened or asked.
func TestBadSettingsAreExplained(t *testing.T) {
	for name, c := range map[string]struct {
		line    string
		environ []string
		want    string
	}{
		"key":         {"--set db.nope=1", nil, "db.nope"},
		"file":        {"--config /nowhere.yaml", nil, "/nowhere.yaml"},
		"environment": {"", []string{"TIKTOK_NOPE=1"}, "TIKTOK_NOPE"},
		"registry":    {"user", nil, "rpc.registry"},
		"all at once": {"api", []string{"TIKTOK_DB_DRIVER=x", "TIKTOK_QUEUE_DRIVER=y"}, "queue.driver"},
		"checked":     {"config check api", []string{"TIKTOK_DB_DRIVER=x"}, "db.driver"},
		"healthcheck": {"user --healthcheck", nil, "rpc.registry"},
		"audit":       {"audit --set db.nope=1", nil, "db.nope"},
	} {
		if code, _, errs := run(t, c.environ, strings.Fields(c.line)...); code != exitUsage || !strings.Contains(errs, c.want) ||
			!strings.Contains(errs, "not usable") {
			t.Errorf("%s: %d\n%s", name, code, errs)
		}
	}
}

// A health check asks where the process listens, by the settings that the process itself has.
func TestHealthcheck(t *testing.T) {
	sick := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" && sick || r.URL.Path != "/readyz" && r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"store":"unavailable"}`))
		}
	}))
	addr := srv.Listener.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		line    string
		environ []string
	}{
		{"user --healthcheck", []string{"TIKTOK_RPC_REGISTRY=127.0.0.1:1", "TIKTOK_TELEMETRY_ADMIN_ADDR=" + addr}},
		{"user --healthcheck=ready", []string{"TIKTOK_RPC_REGISTRY=127.0.0.1:1", "TIKTOK_TELEMETRY_ADMIN_ADDR=:" + port}},
		{"--healthcheck", []string{"TIKTOK_GATEWAY_ADDR=:" + port}},
		{"--healthcheck=true", []string{"TIKTOK_GATEWAY_ADDR=:" + port}},
		{"--healthcheck", []string{"TIKTOK_GATEWAY_ADDR=0.0.0.0:" + port}},
		{"--healthcheck", []string{"TIKTOK_GATEWAY_ADDR=:1", "TIKTOK_TELEMETRY_ADMIN_ADDR=" + addr}},
		{"--healthcheck", []string{"TIKTOK_GATEWAY_ADDR=:" + port, "HTTP_PROXY=http://127.0.0.1:1"}},
	} {
		if code, _, errs := run(t, c.environ, strings.Fields(c.line)...); code != 0 {
			t.Errorf("%s %v: %d %s", c.line, c.environ, code, errs)
		}
	}
	sick = true
	if code, _, errs := run(t, []string{"TIKTOK_GATEWAY_ADDR=" + addr}, "--healthcheck=ready"); code != exitFailed ||
		!strings.Contains(errs, `"store":"unavailable"`) {
		t.Errorf("not ready: %d %s", code, errs)
	}
	if code, _, errs := run(t, []string{"TIKTOK_GATEWAY_ADDR=" + addr}, "--healthcheck"); code != 0 {
		t.Errorf("a process that is not ready lives: %d %s", code, errs)
	}
	srv.Close()
	if code, _, errs := run(t, []string{"TIKTOK_GATEWAY_ADDR=" + addr}, "--healthcheck"); code != exitFailed {
		t.Errorf("nobody listens: %d %s", code, errs)
	}
}
