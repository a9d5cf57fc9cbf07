// Package arch_test holds the rules of docs/architecture.md that a compiler does not check.
package arch_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"tiktok/cmd/services"
)

const module = "tiktok"

type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string // of the package itself; its tests may import what they test with
}

// name is the import path inside the module.
func (p pkg) name() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

func (p pkg) generated() bool {
	return strings.HasPrefix(p.name(), "kitex_gen/") || strings.HasPrefix(p.name(), "cmd/api/biz/model/")
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	dec := json.NewDecoder(bufio.NewReader(bytes.NewReader(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 30 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}

// rule forbids imports to a group of packages.
type rule struct {
	who       func(name string) bool
	forbidden func(name, imported string) bool
	why       string
}

func in(prefixes ...string) func(string) bool {
	return func(name string) bool {
		for _, p := range prefixes {
			if name == strings.TrimSuffix(p, "/") || strings.HasPrefix(name, p) {
				return true
			}
		}
		return false
	}
}

func importing(prefixes ...string) func(string, string) bool {
	match := in(prefixes...)
	return func(_, imported string) bool { return match(imported) }
}

// serviceOf is the service that a package belongs to, empty for none.
func serviceOf(name string) string {
	rest, ok := strings.CutPrefix(name, "cmd/")
	if !ok {
		return ""
	}
	svc, _, _ := strings.Cut(rest, "/")
	if slices.Contains(services.Names(), svc) {
		return svc
	}
	return ""
}

func layer(name string) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(name, "cmd/"), "/")
	return rest
}

func rules() []rule {
	local := func(p string) string { return module + "/" + p }
	dal := func(kind string) func(string) bool {
		return func(name string) bool { return serviceOf(name) != "" && strings.HasPrefix(layer(name), "dal/"+kind) }
	}
	home := func(homes ...string) func(string) bool {
		return func(name string) bool {
			for _, h := range homes {
				if in(h)(name) {
					return false
				}
			}
			return true
		}
	}
	return []rule{
		{in("pkg/"), importing(local("cmd/"), local("config/"), local("kitex_gen/"), local("test/")), "pkg is below everything else"},
		{in("config/"), importing(local("cmd/"), local("kitex_gen/"), local("test/")), "config knows only settings"},
		{in("cmd/"), importing(local("test/")), "a program does not contain its tests"},
		{func(n string) bool { return serviceOf(n) != "" }, func(name, imported string) bool {
			other := serviceOf(strings.TrimPrefix(imported, module+"/"))
			return other != "" && other != serviceOf(name)
		}, "services know each other only by kitex_gen"},
		{dal("db"), importing(local("kitex_gen/"), "github.com/redis/", "github.com/rabbitmq/"), "a store knows SQL and its rows only"},
		{dal("cache"), importing("github.com/redis/", "github.com/rabbitmq/", "gorm.io/"), "caches go through pkg/kv"},
		{dal("mq"), importing("github.com/redis/", "github.com/rabbitmq/", "gorm.io/"), "events go through pkg/queue"},
		{
			func(n string) bool { return serviceOf(n) != "" && layer(n) == "service" },
			importing("gorm.io/", "github.com/redis/", "github.com/rabbitmq/", "github.com/cloudwego/hertz/"), "a service knows stores, not drivers",
		},
		{
			func(n string) bool { return serviceOf(n) != "" && serviceOf(n) != "api" && layer(n) == "pack" },
			importing("gorm.io/", "net/", "os/", local("pkg/kv"), local("pkg/queue"), local("pkg/sqldb")), "packing does no I/O",
		},
		{
			func(n string) bool { return home("pkg/sqldb/", "pkg/outbox/", "pkg/idempotency/")(n) && !dal("db")(n) }, importing("gorm.io/"),
			"gorm lives in pkg/sqldb, pkg/outbox, pkg/idempotency and dal/db",
		},
		{home("pkg/kv/", "pkg/limiter/", "pkg/push/"), importing("github.com/redis/"), "go-redis lives in pkg/kv, pkg/limiter and pkg/push"},
		{home("pkg/queue/", "test/"), importing("github.com/rabbitmq/"), "amqp lives in pkg/queue"},
		{home("pkg/tracing/"), importing("go.opentelemetry.io/"), "OpenTelemetry lives in pkg/tracing"},
		{home("config/"), importing("github.com/spf13/viper"), "viper lives in config"},
		{
			home("cmd/api/", "cmd/internal/boot", "test/"),
			importing("github.com/cloudwego/hertz/"),
			"Hertz lives in cmd/api; boot only turns its logger",
		},
	}
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		if p.generated() {
			continue
		}
		for _, r := range rules() {
			if !r.who(p.name()) {
				continue
			}
			for _, imported := range p.Imports {
				if r.forbidden(p.name(), imported) {
					t.Errorf("%s imports %s: %s", p.name(), imported, r.why)
				}
			}
		}
	}
}
