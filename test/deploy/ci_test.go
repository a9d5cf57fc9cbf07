package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ci runs a script of .ci/ with a few variables and nothing else.
func ci(t *testing.T, environ []string, script string, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	cmd := exec.CommandContext(t.Context(), "../../.ci/"+script, args...)
	cmd.Env = append(environ, "PATH="+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, errs.String())
	}
	return out.String(), errs.String()
}

// An image goes to each registry whose settings are complete, one or both, and from a pull request to none.
func TestRegistries(t *testing.T) {
	const registry, acr, login = "REGISTRY=one.example", "ACR_REGISTRY=two.example", "ACR_USERNAME=u ACR_PASSWORD=p"
	const first, second = "one.example/owner/tiktok", "two.example/tiktok/tiktok"
	for name, c := range map[string]struct {
		event, environ, images, push, registry, acr, message string
	}{
		"none":             {"push", "", "local/owner/tiktok", "false", "", "", "::notice::"},
		"the first alone":  {"push", registry, first, "true", "one.example", "", ""},
		"ACR alone":        {"push", acr + " " + login, second, "true", "", "two.example", ""},
		"both":             {"push", registry + " " + acr + " " + login, first + " " + second, "true", "one.example", "two.example", ""},
		"another name":     {"push", acr + " ACR_NAMESPACE=mine " + login, "two.example/mine/tiktok", "true", "", "two.example", ""},
		"ACR not complete": {"push", registry + " " + acr + " ACR_USERNAME=u", first, "true", "one.example", "", "::warning::"},
		"a pull request":   {"pull_request", registry + " " + acr + " " + login, "local/owner/tiktok", "false", "", "", ""},
	} {
		environ := append(strings.Fields(c.environ), "GITHUB_EVENT_NAME="+c.event, "GITHUB_REPOSITORY=Owner/TikTok")
		out, message := ci(t, environ, "registries.sh")
		images := strings.Fields(c.images)
		want := "images<<END\n" + strings.Join(images, "\n") + "\nEND\nfirst=" + images[0] +
			"\npush=" + c.push + "\nregistry=" + c.registry + "\nacr=" + c.acr + "\n"
		if out != want || (message == "") != (c.message == "") || !strings.HasPrefix(message, c.message) {
			t.Errorf("%s:\n%s%s\nwant\n%s%s", name, out, message, want, c.message)
		}
	}

	// The workflow pushes to what the script says, and by no other rule.
	text, err := os.ReadFile("../../.github/workflows/image.yml")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`steps\.names\.outputs\.(\w+)`).FindAllStringSubmatch(string(text), -1) {
		used[m[1]] = true
	}
	for _, output := range []string{"images", "first", "push", "registry", "acr"} {
		if !used[output] {
			t.Errorf("image.yml does not use %s", output)
		}
		delete(used, output)
	}
	if len(used) > 0 || strings.Count(string(text), "vars.REGISTRY") != 1 || strings.Count(string(text), "secrets.ACR_REGISTRY") != 1 {
		t.Errorf("image.yml decides by itself, or uses outputs that are not there: %v", used)
	}
}

func TestCoverageScript(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "coverage.out")
	text := `mode: set
tiktok/cmd/api/gateway/a.go:1.1,2.2 3 1
tiktok/cmd/api/gateway/a.go:1.1,2.2 3 0
tiktok/pkg/id/a.go:1.1,2.2 1 0
tiktok/config/c.go:1.1,2.2 4 1
tiktok/kitex_gen/chat/c.go:1.1,2.2 40 0
tiktok/cmd/api/biz/model/api/m.go:1.1,2.2 40 0
tiktok/test/harness/h.go:1.1,2.2 40 0
`
	if err := os.WriteFile(profile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := `| folder | statements | covered |
|---|---:|---:|
| **all** | 8 | **87.5 %** |
| cmd/api | 3 | 100.0 % |
| config | 4 | 100.0 % |
| pkg/id | 1 | 0.0 % |
`
	if got, _ := ci(t, nil, "coverage.sh", profile); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
