package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudwego/thriftgo/parser"

	"tiktok/pkg/errno"
)

const problemJSON = "application/problem+json"

// v1 is an operation of /api/v1.
func (d *doc) v1(call *parser.Function) error {
	s := d.api
	method, path, err := route(call)
	if err != nil {
		return err
	}
	request := s.structs[call.Arguments[0].Type.Name]
	summary, rest := sentence(comment(call.ReservedComments))
	op := object{
		{"operationId", strings.ToLower(call.Name[:1]) + call.Name[1:]},
		{"tags", []string{strings.Split(path, "/")[3]}},
		{"summary", summary},
	}
	if rest != "" {
		op.set("description", rest)
	}
	access := annotation(call.Annotations, "api.access")
	op.set("security", security(access))

	var parameters []object
	var fields []*parser.Field
	var media []string
	for _, f := range request.Fields {
		switch in, name := place(f); in {
		case "path", "query":
			parameters = append(parameters, d.parameter(s, f, in, name))
		case "body":
			fields, media = append(fields, f), []string{"application/json"}
		case "form":
			fields, media = append(fields, f), []string{"multipart/form-data"}
		case "raw_body":
			media = strings.Split(name, ",")
			op.set("requestBody", raw(f, media))
		default:
			return fmt.Errorf("%s.%s is nowhere", request.Name, f.Name)
		}
	}
	if takesKey(call) {
		parameters = append(parameters, requestKey())
	}
	if len(parameters) > 0 {
		op.set("parameters", parameters)
	}
	if len(fields) > 0 {
		op.set("requestBody", object{{"required", true}, {"content", object{{media[0], object{{"schema", d.schemas.body(s, request, fields)}}}}}})
	}
	responses, err := d.responses(call, method, access, len(media) > 0)
	if err != nil {
		return fmt.Errorf("%s: %w", call.Name, err)
	}
	op.set("responses", responses)
	d.add(path, method, op)
	return nil
}

// security says who may ask: see api.access in v1.thrift.
func security(access string) []object {
	member := []object{{{"bearer", []string{}}}, {{"session", []string{}}}}
	switch access {
	case "public":
		return []object{}
	case "member":
		return member
	}
	return append([]object{{}}, member...)
}

func (d *doc) parameter(s *surface, f *parser.Field, in, name string) object {
	schema := d.schemas.field(s, f, false)
	p := object{{"name", name}, {"in", in}}
	var kept object
	for _, m := range schema {
		switch m.key {
		case "description":
			p.set("description", m.value)
		case "examples":
			p.set("example", m.value.([]any)[0])
		default:
			kept = append(kept, m)
		}
	}
	p.set("required", in == "path" || f.Requiredness != parser.FieldType_Optional)
	p.set("schema", kept)
	return p
}

func raw(f *parser.Field, media []string) object {
	var content object
	for _, m := range media {
		content.set(m, object{{"schema", object{{"type", "string"}, {"format", "binary"}}}})
	}
	return object{{"description", comment(f.ReservedComments)}, {"required", true}, {"content", content}}
}

// responses are the success, and all errors that the operation answers, by their statuses.
func (d *doc) responses(call *parser.Function, method, access string, body bool) (object, error) {
	status := annotation(call.Annotations, "api.status")
	headers := object{{"X-Request-Id", ref("headers/RequestId")}}
	if annotation(call.Annotations, "api.cookie") != "" {
		headers.set("Set-Cookie", ref("headers/SessionCookie"))
	}
	success := object{{"description", "Done."}, {"headers", headers}}
	switch {
	case call.FunctionType.Name != "Empty":
		success[0].value = "Success."
		kind := cmp.Or(annotation(call.Annotations, "api.stream"), "application/json")
		success.set("content", object{{kind, object{{"schema", d.schemas.answer(d.api, call.FunctionType.Name)}}}})
	case status == "":
		status = "204"
	}
	if status == "" {
		status = "200"
	}
	codes := general(method, access, body)
	for _, text := range list(call.Annotations, "api.errors") {
		e := errorOf(text)
		if e == nil {
			return nil, fmt.Errorf("pkg/errno has no %s", text)
		}
		codes = append(codes, e)
	}
	if takesKey(call) {
		codes = append(codes, errno.IdempotencyKeyReused)
	}
	byStatus := map[int][]*errno.Error{}
	for _, e := range codes {
		d.codes[e.Code] = true
		byStatus[e.Status()] = append(byStatus[e.Status()], e)
	}
	all := object{{status, success}}
	for _, st := range slices.Sorted(maps.Keys(byStatus)) {
		errors := byStatus[st]
		if name := componentOf(errors); name != "" {
			all.set(strconv.Itoa(st), ref("responses/"+name))
		} else {
			all.set(strconv.Itoa(st), problem(errors))
		}
	}
	return all, nil
}

// general are the errors of every operation of that kind.
func general(method, access string, body bool) []*errno.Error {
	all := []*errno.Error{errno.InvalidArgument, errno.TooManyRequests, errno.Internal, errno.Unavailable}
	if access != "public" {
		all = append(all, errno.Unauthenticated)
	}
	if method != "get" {
		all = append(all, errno.Forbidden, errno.OutcomeUnknown)
	}
	if body {
		all = append(all, errno.BodyTooLarge, errno.UnsupportedMediaType)
	}
	return all
}

// components are the responses that stand in the document once, because many operations have them. Those of the other errors are theirs.
func components() map[string][]*errno.Error {
	return map[string][]*errno.Error{
		"BadRequest":           {errno.InvalidArgument},
		"Unauthorized":         {errno.Unauthenticated},
		"Forbidden":            {errno.Forbidden},
		"ContentTooLarge":      {errno.BodyTooLarge},
		"UnsupportedMediaType": {errno.UnsupportedMediaType},
		"TooManyRequests":      {errno.TooManyRequests},
		"InternalError":        {errno.Internal},
		"Unavailable":          {errno.Unavailable},
		"WriteUnavailable":     {errno.Unavailable, errno.OutcomeUnknown},
	}
}

func componentOf(errors []*errno.Error) string {
	for name, all := range components() {
		if slices.Equal(errors, all) {
			return name
		}
	}
	return ""
}

// problem is the response of one status: what its codes are, and an example of each.
func problem(errors []*errno.Error) object {
	var texts []string
	var examples object
	for _, e := range errors {
		texts = append(texts, fmt.Sprintf("%d %s", e.Code, e.Msg))
		examples.set(strconv.Itoa(int(e.Code)), ref(fmt.Sprintf("examples/%d", e.Code)))
	}
	headers := object{{"X-Request-Id", ref("headers/RequestId")}}
	switch errors[0].Status() {
	case http.StatusTooManyRequests:
		headers.set("Retry-After", ref("headers/RetryAfter"))
	case http.StatusUnauthorized:
		headers.set("WWW-Authenticate", ref("headers/Authenticate"))
	}
	return object{
		{"description", strings.Join(texts, "; ") + "."},
		{"headers", headers},
		{"content", object{{problemJSON, object{{"schema", ref("schemas/Problem")}, {"examples", examples}}}}},
	}
}

func errorOf(code string) *errno.Error {
	for _, e := range errno.All() {
		if strconv.Itoa(int(e.Code)) == code {
			return e
		}
	}
	return nil
}
