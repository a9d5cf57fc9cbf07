package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudwego/thriftgo/parser"
)

// maxID is the largest integer that every JSON parser reads exactly.
const maxID = 1<<53 - 1

// schemas collects what operations refer to, each once.
type schemas struct {
	all object
	err error
}

func (c *schemas) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// answer refers to a struct of an answer, which it adds with all that it holds.
func (c *schemas) answer(s *surface, name string) object {
	full := s.prefix + name
	if c.all.get(full) != nil {
		return ref("schemas/" + full)
	}
	st := s.structs[name]
	if st == nil {
		c.fail("no struct %s", name)
		return object{}
	}
	c.all.set(full, object{{"type", "object"}}) // its place, and an end for a struct that holds itself
	c.all.set(full, c.object(s, st, st.Fields, true))
	return ref("schemas/" + full)
}

// body refers to what the body of a request holds: some fields of its struct.
func (c *schemas) body(s *surface, st *parser.StructLike, fields []*parser.Field) object {
	c.all.set(s.prefix+st.Name, c.object(s, st, fields, false))
	return ref("schemas/" + s.prefix + st.Name)
}

func (c *schemas) object(s *surface, st *parser.StructLike, fields []*parser.Field, answer bool) object {
	o := object{{"type", "object"}}
	if text := comment(st.ReservedComments); text != "" {
		o.set("description", text)
	}
	var properties object
	var required []string
	for _, f := range fields {
		name := f.Name
		if !answer {
			_, name = place(f)
		}
		properties.set(name, c.field(s, f, answer))
		if f.Requiredness != parser.FieldType_Optional {
			required = append(required, name)
		}
	}
	if len(required) > 0 {
		o.set("required", required)
	}
	o.set("properties", properties)
	return o
}

// field is the schema of a field: its type, what its name and its annotations say, and its comment.
func (c *schemas) field(s *surface, f *parser.Field, answer bool) object {
	switch {
	case f.Name == "status_code" && s.prefix != "":
		return ref("schemas/" + s.prefix + "StatusCode")
	case f.Name == "status_msg" && s.prefix != "":
		return object{
			{"type", "string"},
			{"minLength", 1},
			{"description", `A short text for a person, "success" when status_code is 0.`},
		}
	}
	o := c.typed(s, f.Type)
	c.limits(s, &o, f, answer)
	if text := comment(f.ReservedComments); text != "" {
		o.set("description", text)
	}
	if v := annotation(f.Annotations, "api.default"); v != "" {
		o.set("default", literal(f.Type, v))
	}
	if v := annotation(f.Annotations, "api.example"); v != "" {
		o.set("examples", []any{literal(f.Type, v)})
	} else if f.Type.Name == "bool" {
		o.set("examples", []any{false})
	}
	return o
}

func (c *schemas) typed(s *surface, t *parser.Type) object {
	switch t.Name {
	case "bool":
		return object{{"type", "boolean"}}
	case "i32", "i64":
		return object{{"type", "integer"}, {"format", "int" + t.Name[1:]}}
	case "string":
		return object{{"type", "string"}}
	case "binary":
		return object{{"type", "string"}, {"format", "binary"}}
	case "list":
		return object{{"type", "array"}, {"items", c.typed(s, t.ValueType)}}
	}
	return c.answer(s, t.Name)
}

// limits adds what is known of the values. Clients must accept new values of an enum in an answer, so it is not a closed one there.
func (c *schemas) limits(s *surface, o *object, f *parser.Field, answer bool) {
	number := f.Type.Name == "i32" || f.Type.Name == "i64"
	switch {
	case number && (f.Name == "id" || strings.HasSuffix(f.Name, "_id")):
		o.set("minimum", 0)
		if !answer && s.prefix == "" {
			o.set("minimum", 1)
		}
		o.set("maximum", maxID)
	case number && strings.HasSuffix(f.Name, "_count"):
		o.set("minimum", 0)
	}
	c.bounds(o, f, "api.range", "minimum", "maximum")
	c.bounds(o, f, "api.length", "minLength", "maxLength")
	for _, key := range []string{"format", "pattern"} {
		if v := annotation(f.Annotations, "api."+key); v != "" {
			o.set(key, v)
		}
	}
	values := []any{}
	for _, v := range list(f.Annotations, "api.enum") {
		values = append(values, literal(f.Type, v))
	}
	switch {
	case len(values) > 0 && answer:
		o.set("x-extensible-enum", values)
	case len(values) > 0:
		o.set("enum", values)
	}
}

func (c *schemas) bounds(o *object, f *parser.Field, key, least, most string) {
	v := annotation(f.Annotations, key)
	if v == "" {
		return
	}
	from, to, ok := strings.Cut(v, "..")
	if !ok {
		c.fail("%s: %s=%q", f.Name, key, v)
	}
	for name, text := range map[string]string{least: from, most: to} {
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			c.fail("%s: %s=%q", f.Name, key, v)
		}
		o.set(name, n)
	}
	slices.SortStableFunc(*o, func(a, b member) int { return order(a.key) - order(b.key) })
}

// order keeps a lower bound before the upper one, and both where they were.
func order(key string) int {
	if strings.HasPrefix(key, "max") {
		return 1
	}
	return 0
}

// literal is the value that an annotation spells.
func literal(t *parser.Type, text string) any {
	if t.Name == "string" {
		return text
	}
	return json.RawMessage(text)
}

// example is a value for a whole struct: each field's example, or its zero value. Optional fields without an example are left out.
func (s *surface) example(name string) object {
	var o object
	for _, f := range s.structs[name].Fields {
		v := annotation(f.Annotations, "api.example")
		switch {
		case v != "":
			o.set(f.Name, literal(f.Type, v))
		case s.structs[f.Type.Name] != nil:
			o.set(f.Name, s.example(f.Type.Name))
		case f.Requiredness == parser.FieldType_Optional:
		case f.Type.Name == "list":
			o.set(f.Name, []any{s.example(f.Type.ValueType.Name)})
		default:
			o.set(f.Name, zero(f.Type))
		}
	}
	return o
}

// nothing is the struct of an answer that failed: zeros, without its optional fields.
func (s *surface) nothing(name string) object {
	var o object
	for _, f := range s.structs[name].Fields {
		switch {
		case f.Requiredness == parser.FieldType_Optional:
		case s.structs[f.Type.Name] != nil:
			o.set(f.Name, s.nothing(f.Type.Name))
		default:
			o.set(f.Name, zero(f.Type))
		}
	}
	return o
}

func zero(t *parser.Type) any {
	switch t.Name {
	case "bool":
		return false
	case "string":
		return ""
	case "list":
		return []any{}
	}
	return 0
}
