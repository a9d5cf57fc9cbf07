package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// wholeCommands work on all there is, however much that may be: no caller can bound them.
const wholeCommands = `keys|flushall|flushdb|smembers|sunion|sinter|sdiff|hgetall|hkeys|hvals`

// wholeRedis returns what in f sends such a command, by a method of the client, by its name or in a script.
func wholeRedis(f *ast.File) []ast.Expr {
	var (
		name   = regexp.MustCompile(`^(?i:` + wholeCommands + `)$`)
		method = regexp.MustCompile(`^(?i:` + wholeCommands + `)(Async|Store)?$`)
		script = regexp.MustCompile(`call\(\s*['"](?i:` + wholeCommands + `)['"]`)
	)
	client := false // the file can reach a client of Redis
	for _, i := range f.Imports {
		client = client || strings.Contains(i.Path.Value, "redis") || i.Path.Value == `"tiktok/pkg/kv"` || f.Name.Name == "kv"
	}
	var found []ast.Expr
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if !client {
				return true
			}
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && method.MatchString(s.Sel.Name) {
				if p, ok := s.X.(*ast.Ident); !ok || p.Name != "maps" {
					found = append(found, n)
				}
			}
			for _, arg := range n.Args {
				if l, ok := arg.(*ast.BasicLit); ok && l.Kind == token.STRING {
					if v, err := strconv.Unquote(l.Value); err == nil && name.MatchString(v) {
						found = append(found, l)
					}
				}
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && script.MatchString(n.Value) {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

func TestNoUnboundedRedisCommands(t *testing.T) {
	files(t, func(_ pkg, fset *token.FileSet, f *ast.File) {
		for _, n := range wholeRedis(f) {
			t.Errorf("%s: this command works on everything there is; name the keys that you mean", fset.Position(n.Pos()))
		}
	})
}

func TestUnboundedRedisCommandsAreFound(t *testing.T) {
	for code, want := range map[string]int{
		`c.Keys(ctx, "tt:*")`:                       1,
		`r.Client.FlushDBAsync(ctx)`:                1,
		`pipe.SMembers(ctx, k)`:                     1,
		`c.Do(ctx, "KEYS", "*")`:                    1,
		`c.Do(ctx, "flushall")`:                     1,
		"c.Eval(ctx, `redis.call('keys', '*')`)":    1,
		`for range maps.Keys(m) {}`:                 0,
		`c.MGet(ctx, keys...)`:                      0,
		"c.Eval(ctx, `redis.call('GET', KEYS[1])`)": 0,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x; import "github.com/redis/go-redis/v9"; func f() { `+code+` }`, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(wholeRedis(f)); got != want {
			t.Errorf("%s: %d found, want %d", code, got, want)
		}
	}
}
