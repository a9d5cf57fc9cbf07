package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cloudwego/thriftgo/parser"

	"tiktok/pkg/errno"
)

// douyin is an operation of the mobile client. The parameters of a POST are described as a form; they may come in the query as well.
func (d *doc) douyin(call *parser.Function) error {
	s := d.mobile
	method, path, err := route(call)
	if err != nil {
		return err
	}
	request := s.structs[call.Arguments[0].Type.Name]
	summary, rest := sentence(comment(call.ReservedComments))
	op := object{{"operationId", "douyin" + call.Name}, {"tags", []string{"douyin " + strings.Split(path, "/")[2]}}, {"summary", summary}}

	var parameters []object
	var fields []*parser.Field
	forms := []string{"application/x-www-form-urlencoded", "multipart/form-data"}
	token := []object{}
	for _, f := range request.Fields {
		in, name := place(f)
		switch {
		case name == "token" && f.Requiredness == parser.FieldType_Optional:
			token = []object{{}, {{"token", []string{}}}, {{"bearer", []string{}}}}
		case name == "token":
			token = []object{{{"token", []string{}}}, {{"bearer", []string{}}}}
		case method == "get":
			parameters = append(parameters, d.parameter(s, f, "query", name))
		case f.Type.Name == "binary":
			forms = forms[1:]
			fields = append(fields, f)
		case in == "":
			return fmt.Errorf("%s.%s is nowhere", request.Name, f.Name)
		default:
			fields = append(fields, f)
		}
	}
	if len(fields) > 0 {
		rest = strings.TrimSpace(rest + " The parameters may also come in the query.")
	}
	if rest != "" {
		op.set("description", rest)
	}
	op.set("security", token)
	if takesKey(call) {
		parameters = append(parameters, requestKey())
	}
	if len(parameters) > 0 {
		op.set("parameters", parameters)
	}
	if len(fields) > 0 {
		var content object
		schema := d.schemas.body(s, request, fields)
		for _, f := range forms {
			content.set(f, object{{"schema", schema}})
		}
		op.set("requestBody", object{{"required", true}, {"content", content}})
	}
	answer, err := d.envelope(call, token)
	if err != nil {
		return fmt.Errorf("%s: %w", call.Name, err)
	}
	op.set("responses", object{{"200", answer}})
	d.add(path, method, op)
	return nil
}

// envelope is the one response of a call, with an example of a success and of a failure.
func (d *doc) envelope(call *parser.Function, token []object) (object, error) {
	s, name := d.mobile, call.FunctionType.Name
	failure := errno.TooManyRequests
	if len(token) == 2 {
		failure = errno.Unauthenticated
	}
	text := "Every answer, also of a request that failed: status_code tells."
	for i, code := range list(call.Annotations, "api.errors") {
		e := errorOf(code)
		if e == nil {
			return nil, fmt.Errorf("pkg/errno has no %s", code)
		}
		if i == 0 {
			failure, text = e, text+" Beside the general ones:"
		}
		text += fmt.Sprintf(" %d %s;", e.Code, e.Msg)
	}
	examples := object{
		{"success", object{{"value", withStatus(s.example(name), 0, "success")}}},
		{"failure", object{{"value", withStatus(s.nothing(name), failure.Code, failure.Msg)}}},
	}
	if takesKey(call) {
		text += fmt.Sprintf(" %d %s;", errno.IdempotencyKeyReused.Code, errno.IdempotencyKeyReused.Msg)
	}
	return object{
		{"description", strings.TrimSuffix(text, ";")},
		{"headers", object{{"X-Request-Id", ref("headers/RequestId")}}},
		{"content", object{{"application/json", object{{"schema", d.schemas.answer(s, name)}, {"examples", examples}}}}},
	}, nil
}

func withStatus(o object, code int32, msg string) object {
	o.set("status_code", code)
	o.set("status_msg", msg)
	return o
}

// statusCode lists all codes of the mobile client's answers.
func statusCode() object {
	codes := []int32{0}
	text := "0 is success."
	for _, e := range slices.SortedFunc(slices.Values(errno.All()), func(a, b *errno.Error) int { return int(a.Code - b.Code) }) {
		codes = append(codes, e.Code)
		text += fmt.Sprintf(" %d %s;", e.Code, e.Msg)
	}
	return object{
		{"type", "integer"},
		{"format", "int32"},
		{"description", strings.TrimSuffix(text, ";") + "."},
		{"x-extensible-enum", codes},
	}
}
