// Package web serves the web client: the built files of dist, and the client's page at each of its addresses. The page of a video or
// of a user says in its head what it is about, for whoever shows a preview of a link to it. The files are in the program; `make web`
// builds them from src.
package web

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed dist
var built embed.FS

const (
	indexFile = "index.html"
	// assetsDir has the files with a hash of their content in their name.
	assetsDir = "assets"
	// WorkerFile is the service worker: browsers know it by its address, and it governs all pages below that.
	WorkerFile = "sw.js"
)

// How long browsers keep what: files with a hash in their name for good, other files for a day, and pages until they have asked again.
const (
	assetCache = "public, max-age=31536000, immutable"
	fileCache  = "public, max-age=86400"
	pageCache  = "no-cache"
)

// Site is the built client. It does not change and is safe for concurrent use.
type Site struct {
	index template
	// assets are the files whose names change with their content, root those beside the page.
	assets, root map[string]*file
}

// New reads the client that is built into the program, and tells it facts. It fails if that is not complete.
func New(facts Facts) (*Site, error) {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		return nil, fmt.Errorf("web client: %w", err)
	}
	return newSite(dist, facts)
}

func newSite(dist fs.FS, facts Facts) (*Site, error) {
	text, err := fs.ReadFile(dist, indexFile)
	if err != nil {
		return nil, fmt.Errorf("web client: %w", err)
	}
	s := &Site{assets: map[string]*file{}, root: map[string]*file{}}
	if s.index, err = parseTemplate(text, facts); err != nil {
		return nil, fmt.Errorf("web client: %s: %w", indexFile, err)
	}
	if err := s.read(dist); err != nil {
		return nil, fmt.Errorf("web client: %w", err)
	}
	return s, nil
}

// read takes up all files but the page.
func (s *Site) read(from fs.FS) error {
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == indexFile {
			return err
		}
		body, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		if asset, ok := strings.CutPrefix(name, assetsDir+"/"); ok {
			s.assets[asset] = newFile(path.Ext(name), body, assetCache)
			return nil
		}
		if strings.Contains(name, "/") {
			return fmt.Errorf("%s: only files of the folder %s may be in folders", name, assetsDir)
		}
		cache := fileCache
		if name == WorkerFile {
			cache = pageCache // a new build's worker is there at once
		}
		s.root[name] = newFile(path.Ext(name), body, cache)
		return nil
	})
}

// Names are those of the files that are served at the root, such as "robots.txt".
func (s *Site) Names() []string {
	names := make([]string, 0, len(s.root))
	for name := range s.root {
		names = append(names, name)
	}
	return names
}
