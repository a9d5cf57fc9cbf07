package deploy_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tiktok/deploy/render"
)

// container is what the tests read of a service of a compose file.
type container struct {
	Image       string
	Command     yaml.Node
	Environment map[string]string
	Ports       []string
	Volumes     []string
	Networks    []string
	NetworkMode string `yaml:"network_mode"`
	Healthcheck struct{ Test yaml.Node }
	Ulimits     struct{ Nofile struct{ Soft, Hard int } }
	PidsLimit   int      `yaml:"pids_limit"`
	CPUs        string   `yaml:"cpus"`
	MemLimit    string   `yaml:"mem_limit"`
	SecurityOpt []string `yaml:"security_opt"`
	Tmpfs       []string
}

type composeFile struct {
	Services map[string]container
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]any
}

func readCompose(t *testing.T, file string) composeFile {
	t.Helper()
	var c composeFile
	load(t, file, &c)
	if len(c.Services) < 4 {
		t.Fatalf("%s has only %d services", file, len(c.Services))
	}
	return c
}

// words are the arguments of a command or a health check, in one line.
func words(t *testing.T, node yaml.Node) string {
	t.Helper()
	var list []string
	if node.Kind == yaml.SequenceNode {
		if err := node.Decode(&list); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(append(list, node.Value), " ")
}

const (
	devFile    = "../../docker-compose.yml"
	serverFile = "../../deploy/docker-compose.yml"
)

// processes are the names of the services and the gateway, in start order.
func processes() []string { return strings.Fields(render.Services().Names()) }

// users are the containers that use a server, and others.
func users(uses func(render.Service) bool, others ...string) []string {
	for _, s := range render.Services() {
		if uses(s) {
			others = append(others, s.Name)
		}
	}
	slices.Sort(others)
	return others
}

func usesAny(render.Service) bool     { return true }
func usesDB(s render.Service) bool    { return !s.Gateway }
func usesQueue(s render.Service) bool { return s.Queue }
func usesMedia(s render.Service) bool { return s.Media }
func usesPush(s render.Service) bool  { return s.Push }
func usesIndex(s render.Service) bool { return s.Index }

var variable = regexp.MustCompile(`\$\{(\w+)`)

// holders are the containers that are given each secret of .env.
func holders(c composeFile) map[string][]string {
	found := map[string][]string{}
	for name, s := range c.Services {
		for _, value := range s.Environment {
			for _, m := range variable.FindAllStringSubmatch(value, -1) {
				if strings.Contains(m[1], "PASSWORD") || strings.Contains(m[1], "SECRET") || m[1] == "PUSH_KEY" {
					found[m[1]] = append(found[m[1]], name)
				}
			}
		}
	}
	for name := range found {
		slices.Sort(found[name])
		found[name] = slices.Compact(found[name])
	}
	return found
}

// A container that was taken over has the secrets that it needs, and no others: the token key is with the gateway alone, and
// each service has its own account of MySQL.
func TestSecretsOfContainers(t *testing.T) {
	for file, tools := range map[string]bool{devFile: false, serverFile: true} {
		c := readCompose(t, file)
		want := map[string][]string{
			"MYSQL_ROOT_PASSWORD":  {"mysql"},
			"DB_PASSWORD_ADMIN":    {"mysql"},
			"DB_PASSWORD_BACKUP":   {"mysql"},
			"DB_PASSWORD_EXPORTER": {"mysql", "mysqld-exporter"},
			"REDIS_PASSWORD":       users(usesAny, "redis", "redis-exporter"),
			"RABBITMQ_PASSWORD":    users(usesQueue, "rabbitmq"),
			"S3_PASSWORD":          users(usesMedia, "s3"),
			"GRAFANA_PASSWORD":     {"grafana"},
			"PUSH_KEY":             users(usesPush),
		}
		for _, service := range users(usesDB) {
			want["DB_PASSWORD_"+strings.ToUpper(service)] = []string{service, "mysql"}
			if got := c.Services[service].Environment["TIKTOK_DB_USER"]; got != "tiktok_"+service {
				t.Errorf("%s: %s logs in to MySQL as %q", file, service, got)
			}
		}
		if tools {
			want["AUTH_SECRET"] = []string{"api"}
			want["OPENSEARCH_PASSWORD"] = users(usesIndex)
			want["ETCD_ROOT_PASSWORD"] = nil
			want["ETCD_PASSWORD"] = users(usesAny, "etcd")
			for _, name := range []string{
				"DB_PASSWORD_ADMIN", "REDIS_PASSWORD", "RABBITMQ_PASSWORD", "S3_PASSWORD",
				"ETCD_PASSWORD", "ETCD_ROOT_PASSWORD",
			} {
				want[name] = append(want[name], "tools")
			}
		}
		got := holders(c)
		for name := range want {
			slices.Sort(want[name])
			if !slices.Equal(got[name], want[name]) {
				t.Errorf("%s: %s is given to %v, want %v", file, name, got[name], want[name])
			}
			delete(got, name)
		}
		if len(got) > 0 {
			t.Errorf("%s: nobody says who needs %v", file, got)
		}
		for name, s := range c.Services {
			for _, v := range s.Volumes {
				if strings.HasPrefix(v, "secret:") && name != "api" && name != "secret" {
					t.Errorf("%s: %s has the token key: %s", file, name, v)
				}
				from, _, _ := strings.Cut(v, ":")
				// Whoever has a key can be whom it names. The authority's own is where certificates are made.
				if strings.HasPrefix(from, "./certs") && from != "./certs/"+name && from != "./certs/ca.crt" &&
					(from != "./certs" || name != "certs") {
					t.Errorf("%s: %s has the keys in %s", file, name, from)
				}
			}
		}
	}
}

// On the server every connection between processes and servers is encrypted: each process has the certificate of its name, each
// server one and no port without it.
func TestTLSOfContainers(t *testing.T) {
	c := readCompose(t, serverFile)
	for _, name := range processes() {
		if want := "./certs/" + name + ":/etc/tiktok/tls:ro"; !slices.Contains(c.Services[name].Volumes, want) {
			t.Errorf("%s has no certificate: %v", name, c.Services[name].Volumes)
		}
	}
	rabbitmq, err := os.ReadFile("../../deploy/rabbitmq/tls.conf")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"mysql": "--require-secure-transport=ON", "redis": "port 0\n", "etcd": "--listen-client-urls=https://",
		"rabbitmq": "listeners.tcp = none", "s3": "VGW_CERT=/tls/tls.crt",
	} {
		s := c.Services[name]
		all := words(t, s.Command)
		for key, value := range s.Environment {
			all += "\n" + key + "=" + value
		}
		if name == "rabbitmq" {
			all += string(rabbitmq)
		}
		if !strings.Contains(all, text) || !slices.Contains(s.Volumes, "./certs/"+name+":/tls:ro") {
			t.Errorf("%s: no %q in %s; volumes %v", name, text, all, s.Volumes)
		}
	}
}

// Everybody on a machine reads the arguments of every process, and Docker shows them.
func TestNoSecretInArguments(t *testing.T) {
	secret := regexp.MustCompile(`\$\{\w*(PASSWORD|SECRET)`)
	for _, file := range []string{devFile, serverFile, "../../docker-compose.ci.yml"} {
		for name, s := range readCompose(t, file).Services {
			for what, text := range map[string]string{"command": words(t, s.Command), "health check": words(t, s.Healthcheck.Test)} {
				if secret.MatchString(text) {
					t.Errorf("%s: the %s of %s holds a secret: %s", file, what, name, text)
				}
			}
		}
	}
}

// Every container has limits, so that none takes the whole machine.
func TestLimitsOfContainers(t *testing.T) {
	for _, file := range []string{devFile, serverFile} {
		for name, s := range readCompose(t, file).Services {
			if n := s.Ulimits.Nofile; n.Soft < 65536 || n.Hard != n.Soft {
				t.Errorf("%s: %s may have %+v files and connections open", file, name, n)
			}
			if s.PidsLimit <= 0 || s.CPUs == "" || s.MemLimit == "" {
				t.Errorf("%s: %s: pids_limit %d, cpus %q, mem_limit %q", file, name, s.PidsLimit, s.CPUs, s.MemLimit)
			}
			if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
				t.Errorf("%s: %s may gain privileges", file, name)
			}
		}
	}
}

// A video does not fit into the tmpfs at /tmp: where uploads and ffmpeg leave files there is a volume.
func TestRoomForMedia(t *testing.T) {
	for file, names := range map[string][]string{devFile: users(usesMedia, "tiktok"), serverFile: users(usesMedia)} {
		c := readCompose(t, file)
		for _, name := range names {
			s := c.Services[name]
			at := slices.IndexFunc(s.Volumes, func(v string) bool { return strings.HasSuffix(v, ":/data") })
			if at < 0 {
				t.Errorf("%s: %s has no volume at /data: %v", file, name, s.Volumes)
				continue
			}
			volume := strings.TrimSuffix(s.Volumes[at], ":/data")
			if _, ok := c.Volumes[volume]; !ok {
				t.Errorf("%s: %s: %s is no volume", file, name, volume)
			}
		}
	}
}

// neighbours are the containers that share a network with one.
func neighbours(c composeFile, name string) []string {
	var found []string
	for other, s := range c.Services {
		if other != name && slices.ContainsFunc(s.Networks,
			func(n string) bool { return slices.Contains(c.Services[name].Networks, n) }) {
			found = append(found, other)
		}
	}
	slices.Sort(found)
	return found
}

// On the server a container reaches whom it calls (docs/architecture.md), or who watches it, and no other server.
func TestNetworksOfContainers(t *testing.T) {
	c := readCompose(t, serverFile)
	for server, callers := range map[string][]string{
		"mysql":    users(usesDB, "tools", "mysqld-exporter"),
		"redis":    users(usesAny, "tools", "redis-exporter"),
		"rabbitmq": users(usesQueue, "tools", "prometheus"),
		"s3":       users(usesMedia, "tools"),
		"etcd":     users(usesAny, "tools", "prometheus", "jaeger"),
	} {
		if got := neighbours(c, server); !slices.Equal(got, callers) {
			t.Errorf("%s is reached by %v, want %v", server, got, callers)
		}
	}
	for name, n := range c.Networks {
		if outside := slices.Contains([]string{"front", "pages", "push"}, name); n.Internal == outside {
			t.Errorf("network %s: internal %v", name, n.Internal)
		}
	}
	for name, s := range c.Services {
		if len(s.Networks) == 0 && s.NetworkMode != "none" {
			t.Errorf("%s is in the default network, with everybody", name)
		}
		for _, n := range s.Networks {
			if _, ok := c.Networks[n]; !ok {
				t.Errorf("%s: no network %s", name, n)
			}
		}
		if slices.Contains(s.Networks, "front") && name != "api" {
			t.Errorf("%s can be reached from outside", name)
		}
		if slices.Contains(s.Networks, "push") && name != "notice" { // that one calls the push services of browsers
			t.Errorf("%s reaches the internet", name)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s listens on public addresses: %s", name, p)
			}
		}
	}
}

// What the compose files ask of .env stands in .env.example.
func TestEnvExamples(t *testing.T) {
	for file, example := range map[string]string{devFile: "../../.env.example", serverFile: "../../deploy/.env.example"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		asked := map[string]bool{}
		for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
			asked[m[1]] = true
		}
		delete(asked, "ALLINONE_LIMITS_DRIVER") // of the trial
		for name := range asked {
			if !regexp.MustCompile(`(?m)^(# )?` + name + `=`).Match(lines) {
				t.Errorf("%s does not name %s", example, name)
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^(?:# )?([A-Z0-9_]+)=`).FindAllStringSubmatch(string(lines), -1) {
			if !asked[m[1]] {
				t.Errorf("%s names %s, which nothing reads; %v", example, m[1], slices.Sorted(maps.Keys(asked)))
			}
		}
	}
}
