// Package render writes the parts of deployment files and documents that repeat for each service, from the list of
// services (cmd/services), and the dashboards. deploy/generate calls it; a test compares the files with it.
package render

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"tiktok/deploy/grafana/boards"
)

// Service is what deployment files say about one process.
type Service struct {
	// Name is that of its container, schema, certificate and metrics.
	Name string
	// Port is that of RPC, or of HTTP for a gateway; Admin is that of metrics and health.
	Port, Admin string
	// Gateway has a public address and no schema. Queue and Media are the servers that it uses beside MySQL (unless it is a
	// gateway), Redis and etcd: RabbitMQ, and the blob store.
	Gateway, Queue, Media bool
	// Push says that it reaches browsers' push services, which are on the internet, with a key of its own.
	Push bool
	// Index says that it searches: by an index in a folder of each replica's own, or by OpenSearch.
	Index bool
	// CalledBy are the names of its callers.
	CalledBy []string
}

// Upper is the name as it stands in variables.
func (s Service) Upper() string { return strings.ToUpper(s.Name) }

// FFmpeg tells whether ffmpeg runs in its container, which takes memory and disk.
func (s Service) FFmpeg() bool { return s.Media && !s.Gateway }

// Uses are the servers that it connects to, by the chart's names, as a list of YAML.
func (s Service) Uses() string {
	uses := []string{"cache", "registry"}
	if !s.Gateway {
		uses = slices.Insert(uses, 0, "db")
	}
	if s.Queue {
		uses = append(uses, "queue")
	}
	if s.Media {
		uses = append(uses, "media")
	}
	if s.Push {
		uses = append(uses, "push")
	}
	if s.Index {
		uses = append(uses, "index")
	}
	return strings.Join(uses, ", ")
}

// Callers is CalledBy as a list of YAML.
func (s Service) Callers() string { return strings.Join(s.CalledBy, ", ") }

// List is all services in start order.
type List []Service

// All are all of them, RPC those without the gateway.
func (l List) All() List { return l }

// RPC are the services without the gateway.
func (l List) RPC() List {
	return slices.DeleteFunc(slices.Clone(l), func(s Service) bool { return s.Gateway })
}

// Names are the names, separated by spaces.
func (l List) Names() string {
	names := make([]string, 0, len(l))
	for _, s := range l {
		names = append(names, s.Name)
	}
	return strings.Join(names, " ")
}

//go:embed blocks.tmpl
var blocks string

// dashboards is where Grafana reads them.
const dashboards = "deploy/grafana/dashboards"

// Files returns what the generated files below root shall hold, by their path. Those of which parts are generated must exist.
func Files(root string, list List) (map[string][]byte, error) {
	files := map[string][]byte{}
	all, err := template.New("").Delims("<%", "%>").Parse(blocks)
	if err != nil {
		return nil, err
	}
	for _, t := range all.Templates() {
		file, block, found := strings.Cut(t.Name(), " ")
		if !found {
			continue
		}
		if files[file] == nil {
			if files[file], err = os.ReadFile(filepath.Join(root, file)); err != nil {
				return nil, err
			}
		}
		var text bytes.Buffer
		if err := t.Execute(&text, list); err != nil {
			return nil, err
		}
		if files[file], err = replace(files[file], block, strings.Trim(text.String(), "\n")); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, b := range Dashboards(list) {
		if files[filepath.Join(dashboards, b.UID+".json")], err = b.JSON(); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// Dashboards are all dashboards.
func Dashboards(list List) []boards.Board { return boards.All(strings.Fields(list.RPC().Names())) }

// replace puts text between the lines of a file that begin and end a block.
func replace(file []byte, block, text string) ([]byte, error) {
	lines := regexp.MustCompile(fmt.Sprintf(`(?ms)^([^\n]*\bgenerated %[1]s\b[^\n]*\n).*?^([^\n]*\bend %[1]s\b)`, regexp.QuoteMeta(block)))
	if n := len(lines.FindAllIndex(file, -1)); n != 1 {
		return nil, fmt.Errorf("%d blocks between lines of \"generated %s\" and \"end %s\", want one", n, block, block)
	}
	return lines.ReplaceAllFunc(file, func(old []byte) []byte {
		around := lines.FindSubmatch(old)
		return slices.Concat(around[1], []byte(text+"\n"), around[2])
	}), nil
}
