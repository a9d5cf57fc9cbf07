package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Both READMEs lead to each other and to files that exist, show the same session, and name the Go of go.mod.
func TestReadmes(t *testing.T) {
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(module))[1]
	sessions := map[string]bool{}
	for file, other := range map[string]string{"README.md": "README.zh-CN.md", "README.zh-CN.md": "README.md"} {
		raw, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(first, "]("+other+")") {
			t.Errorf("%s: the first line does not lead to %s: %s", file, other, first)
		}
		if !strings.Contains(text, "[![Go "+version+"]") || !strings.Contains(text, "badge/Go-"+version+"-") {
			t.Errorf("%s does not name Go %s", file, version)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "../../actions/") { // the repository's pages
				continue
			}
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		sessions[regexp.MustCompile("(?s)```\n\\$ make run\n.*?```").FindString(text)] = true
		if !strings.Contains(text, "](docs/screens/strip.jpg)") {
			t.Errorf("%s does not show the client", file)
		}
	}
	if len(sessions) != 1 || sessions[""] {
		t.Errorf("the sessions differ, or there is none: %v", sessions)
	}
}
