package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/cloudwego/thriftgo/parser"
)

// surface is one of the two APIs.
type surface struct {
	// prefix is put before the names of its schemas and operations, which both surfaces have.
	prefix string
	// about is the comment that its file begins with.
	about   string
	structs map[string]*parser.StructLike
	calls   []*parser.Function
}

func parse(file, prefix string) (*surface, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	ast, err := parser.ParseString(file, string(text))
	if err != nil {
		return nil, err
	}
	if len(ast.Services) != 1 {
		return nil, fmt.Errorf("%s: want one service, found %d", file, len(ast.Services))
	}
	s := &surface{
		prefix: prefix, about: comment(head(string(text))), structs: map[string]*parser.StructLike{},
		calls: ast.Services[0].Functions,
	}
	for _, st := range ast.Structs {
		s.structs[st.Name] = st
	}
	return s, nil
}

// head is the first comment of a file.
func head(text string) string {
	end := strings.Index(text, "*/")
	if end < 0 || !strings.HasPrefix(text, "/*") {
		return ""
	}
	return text[:end+2]
}

// comment is the text of a comment on one line.
func comment(c string) string {
	c = strings.TrimSpace(c)
	c = strings.TrimSuffix(strings.TrimLeft(c, "/*"), "*/")
	return strings.Join(strings.Fields(regexp.MustCompile(`(?m)^\s*\*\s`).ReplaceAllString(c, " ")), " ")
}

// sentence splits a text behind its first sentence, which loses its dot.
func sentence(text string) (first, rest string) {
	if i := strings.Index(text, ". "); i >= 0 {
		return text[:i], text[i+2:]
	}
	return strings.TrimSuffix(text, "."), ""
}

// annotation is the value of an annotation, "" when there is none.
func annotation(all parser.Annotations, key string) string {
	if v := all.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}

// list is an annotation that holds several values.
func list(all parser.Annotations, key string) []string {
	v := annotation(all, key)
	if v == "" {
		return nil
	}
	return strings.Split(v, ",")
}

// route is the method and the path of an operation, as OpenAPI writes it.
func route(call *parser.Function) (method, path string, err error) {
	for _, m := range []string{"get", "post", "put", "patch", "delete"} {
		if p := annotation(call.Annotations, "api."+m); p != "" {
			return m, regexp.MustCompile(`:(\w+)`).ReplaceAllString(p, "{$1}"), nil
		}
	}
	return "", "", fmt.Errorf("%s has no route", call.Name)
}

// place is where a field of a request is found, and its name there.
func place(f *parser.Field) (in, name string) {
	for _, in := range []string{"path", "query", "body", "form", "raw_body"} {
		if name := annotation(f.Annotations, "api."+in); name != "" {
			return in, name
		}
	}
	return "", ""
}
