package deploy_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// pinned is an image with the tag that people read and the digest that is pulled.
var pinned = regexp.MustCompile(`^[a-z0-9][a-z0-9./_-]*:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64}$`)

// ours are images that this repository makes.
func ours(image string) bool {
	return strings.HasPrefix(image, "${APP_IMAGE") || image == "tiktok:scan" || image == "scratch"
}

func load(t *testing.T, file string, into any) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func workflows(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	if err != nil || len(files) < 5 {
		t.Fatalf("workflows %v, %v", files, err)
	}
	return files
}

// images are all that the repository names, by where they stand.
func images(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, file := range []string{"docker-compose.yml", "docker-compose.ci.yml", "deploy/docker-compose.yml"} {
		for name, s := range readCompose(t, "../../"+file).Services {
			found[file+" "+name] = s.Image
		}
	}
	raw, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range regexp.MustCompile(`(?m)^FROM (?:--platform=\S+ )?(\S+)`).FindAllStringSubmatch(string(raw), -1) {
		found[fmt.Sprintf("Dockerfile %d", i)] = m[1]
	}
	for _, file := range workflows(t) {
		var w struct {
			Jobs map[string]struct {
				Container string
				Strategy  struct{ Matrix struct{ MySQL []string } }
			}
		}
		load(t, file, &w)
		for name, job := range w.Jobs {
			if job.Container != "" {
				found[file+" "+name] = job.Container
			}
			for i, image := range job.Strategy.Matrix.MySQL {
				found[fmt.Sprintf("%s %s %d", file, name, i)] = image
			}
		}
	}
	return found
}

// An image whose tag is moved is another image: each is pinned by digest, and everywhere to the same one.
func TestImagesArePinned(t *testing.T) {
	digests := map[string]string{}
	for where, image := range images(t) {
		if ours(image) {
			continue
		}
		image = interpolate(image)
		if !pinned.MatchString(image) {
			t.Errorf("%s: %s is not NAME:TAG@sha256:DIGEST", where, image)
			continue
		}
		name, _, _ := strings.Cut(image, ":")
		if other, ok := digests[name]; ok && other != image {
			t.Errorf("%s: %s, elsewhere %s", where, image, other)
		}
		digests[name] = image
	}
	if len(digests) < 10 {
		t.Errorf("only %v", digests)
	}

	out, err := exec.CommandContext(t.Context(), "../../.ci/images.sh").Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.Fields(string(out))
	for name, image := range digests {
		if !slices.Contains(listed, image) {
			t.Errorf(".ci/images.sh, which the scanner and pin.sh go by, does not list %s of %s", image, name)
		}
	}
}

// An action runs with the secrets of the workflow: by commit, with the tag beside it for people and for Dependabot.
func TestActionsArePinned(t *testing.T) {
	uses := regexp.MustCompile(`uses: *(\S.*)`)
	commit := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	versions := map[string]string{}
	for _, file := range workflows(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range uses.FindAllStringSubmatch(string(raw), -1) {
			action := m[1]
			if strings.HasPrefix(action, "./") {
				continue
			}
			if !commit.MatchString(action) {
				t.Errorf("%s: %s is not OWNER/ACTION@COMMIT # vX.Y.Z", file, action)
				continue
			}
			name, rest, _ := strings.Cut(action, "@")
			if other, ok := versions[name]; ok && other != rest {
				t.Errorf("%s: %s, elsewhere %s", file, action, other)
			}
			versions[name] = rest
		}
	}
	if len(versions) < 10 {
		t.Errorf("only %v", slices.Sorted(maps.Keys(versions)))
	}
}

// A pin that nobody moves is a hole that stays open: Dependabot looks at every folder that holds one.
func TestUpdatesCoverEverything(t *testing.T) {
	var bot struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}
	load(t, "../../.github/dependabot.yml", &bot)
	covered := func(ecosystem, folder string) bool {
		for _, u := range bot.Updates {
			for _, pattern := range append(u.Directories, u.Directory) {
				if ok, err := filepath.Match(pattern, folder); u.Ecosystem == ecosystem && err == nil && ok {
					return true
				}
			}
		}
		return false
	}
	out, err := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-files", "go.mod", "*/go.mod", ".ci/*/go.mod").Output()
	if err != nil {
		t.Skip(err) // not a clone
	}
	modules := strings.Fields(string(out))
	if len(modules) < 6 {
		t.Fatalf("modules: %v", modules)
	}
	for _, file := range modules {
		if folder := filepath.Join("/", filepath.Dir(file)); !covered("gomod", folder) {
			t.Errorf("nobody proposes newer modules for %s", folder)
		}
	}
	for ecosystem, folders := range map[string][]string{
		"npm": {"/cmd/api/web"}, "docker": {"/"}, "docker-compose": {"/", "/deploy"}, "github-actions": {"/"},
	} {
		for _, folder := range folders {
			if !covered(ecosystem, folder) {
				t.Errorf("nobody proposes newer versions of %s in %s", ecosystem, folder)
			}
		}
	}
}

// .ci/pin.sh with registries that answer something else: every place of an image and of an action gets it.
func TestPinScript(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{".ci", ".github/workflows", "deploy", "bin"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, script := range []string{".ci/pin.sh", ".ci/images.sh"} {
		raw, err := os.ReadFile("../../" + script)
		if err != nil {
			t.Fatal(err)
		}
		write(script, string(raw), 0o700)
	}
	old, fresh := strings.Repeat("a", 64), strings.Repeat("b", 64)
	write("docker-compose.yml", "image: redis:8.1@sha256:"+old+"\nother: ${X:-mysql:8.4@sha256:"+old+"} # kept\n", 0o600)
	write("docker-compose.ci.yml", "image: redis:8.1@sha256:"+old+"\n", 0o600)
	write("deploy/docker-compose.yml", "image: gcr.io/etcd-development/etcd:v3.6.13@sha256:"+old+"\n", 0o600)
	write("Dockerfile", "FROM --platform=$BUILDPLATFORM golang:1.26.8@sha256:"+old+" AS build\n", 0o600)
	write(".github/workflows/a.yml", "      - uses: a/b/c@"+old[:40]+" # v1.2.3\n        with: {x: y}\n", 0o600)
	write("bin/docker", "#!/bin/sh\necho sha256:"+fresh+"\n", 0o700)
	write(
		"bin/git",
		"#!/bin/sh\n[ \"$2\" = https://github.com/a/b ] || exit 1\nprintf 'tag\\trefs/tags/v1.2.3\\n"+fresh[:40]+"\\trefs/tags/v1.2.3^{}\\n'\n",
		0o700,
	)
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, ".ci/pin.sh"))
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, want := range map[string]string{
		"docker-compose.yml":        "image: redis:8.1@sha256:" + fresh + "\nother: ${X:-mysql:8.4@sha256:" + fresh + "} # kept\n",
		"docker-compose.ci.yml":     "image: redis:8.1@sha256:" + fresh + "\n",
		"deploy/docker-compose.yml": "image: gcr.io/etcd-development/etcd:v3.6.13@sha256:" + fresh + "\n",
		"Dockerfile":                "FROM --platform=$BUILDPLATFORM golang:1.26.8@sha256:" + fresh + " AS build\n",
		".github/workflows/a.yml":   "      - uses: a/b/c@" + fresh[:40] + " # v1.2.3\n        with: {x: y}\n",
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s:\n%s, want\n%s, %v", name, got, want, err)
		}
	}
}
