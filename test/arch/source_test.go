package arch_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// files parses every hand-written, non-test file of the module.
func files(t *testing.T, visit func(p pkg, fset *token.FileSet, f *ast.File)) {
	t.Helper()
	for _, p := range packages(t) {
		if p.generated() {
			continue
		}
		for _, name := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			visit(p, fset, f)
		}
	}
}

func TestNoInitAndNoPanic(t *testing.T) {
	files(t, func(p pkg, fset *token.FileSet, f *ast.File) {
		if strings.HasSuffix(f.Name.Name, "test") {
			return // a test kit may do what it tests
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: init runs behind everyone's back; use a constructor", fset.Position(n.Pos()))
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "panic" && f.Name.Name != "main" {
					t.Errorf("%s: return an error; only main may give up", fset.Position(n.Pos()))
				}
			}
			return true
		})
	})
}

func TestExportedSymbolsAreDocumented(t *testing.T) {
	files(t, func(p pkg, fset *token.FileSet, f *ast.File) {
		if f.Name.Name == "main" {
			return
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil && !isRPC(p, d) {
					t.Errorf("%s: %s has no comment", fset.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if name, ok := undocumented(d, s); ok {
						t.Errorf("%s: %s has no comment", fset.Position(s.Pos()), name)
					}
				}
			}
		}
	})
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// isRPC is a method of a service's interface: idl/ has its comment.
func isRPC(p pkg, d *ast.FuncDecl) bool {
	return serviceOf(p.name()) != "" && layer(p.name()) == "service" && d.Recv != nil && d.Type.Params.NumFields() == 2 &&
		d.Type.Results.NumFields() == 2
}

func undocumented(d *ast.GenDecl, s ast.Spec) (string, bool) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		return s.Name.Name, s.Name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil
	case *ast.ValueSpec:
		return s.Names[0].Name, s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil
	}
	return "", false
}

func TestNoSleepInTests(t *testing.T) {
	for _, p := range packages(t) {
		names, err := filepath.Glob(filepath.Join(p.Dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Sleep" {
					if id, ok := s.X.(*ast.Ident); ok && id.Name == "time" {
						t.Errorf("%s: wait for a condition, not for a time", fset.Position(n.Pos()))
					}
				}
				return true
			})
		}
	}
}

func TestNoForbiddenPackageNames(t *testing.T) {
	for _, p := range packages(t) {
		if p.generated() {
			continue
		}
		base := p.name()[strings.LastIndex(p.name(), "/")+1:]
		switch base {
		case "utils", "util", "common", "base", "constants", "helper", "helpers", "misc":
			t.Errorf("%s: name a package after what it gives", p.name())
		}
	}
}

// A server without rules would answer anybody.
func TestServersHaveRules(t *testing.T) {
	files(t, func(p pkg, fset *token.FileSet, f *ast.File) {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "ServerOptions" || p.name() == "cmd/services" {
				return true
			}
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == "transport" {
				t.Errorf("%s: use ServerOptions of the service's services.Spec", fset.Position(n.Pos()))
			}
			return true
		})
	})
}

// maxLine is the longest line of Go that we write, in characters.
const maxLine = 140

func TestLinesAreShort(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"bin", "kitex_gen", "node_modules", ".git", ".env.d"}, d.Name()):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(src[:min(len(src), 500)], []byte("// Code generated")) {
			return nil
		}
		n := 0
		for line := range strings.Lines(string(src)) {
			n++
			if long := utf8.RuneCountInString(strings.TrimRight(line, "\r\n")); long > maxLine {
				t.Errorf("%s:%d: %d characters, at most %d", path, n, long, maxLine)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
