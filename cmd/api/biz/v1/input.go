package v1

import (
	"bytes"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tiktok/cmd/api/biz/call"
	"tiktok/cmd/api/biz/params"
	"tiktok/kitex_gen/common"
	"tiktok/pkg/errno"
)

const (
	// maxID is the largest id: JavaScript's numbers hold every integer up to it.
	maxID = 1<<53 - 1
	// maxLimit and defaultLimit are for pages of lists.
	maxLimit, defaultLimit = 100, 30
	// maxCursor bounds a cursor, in bytes.
	maxCursor = 128
)

func invalid(text string) error { return errno.InvalidArgument.With(text) }

// missing is for a field that a body must have.
func missing(name string) error { return invalid(name + " is missing") }

// pathID is an id in the path.
func pathID(in *call.Call, name string) (int64, error) {
	s := in.Request.Param(name)
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 || n > maxID || strconv.FormatInt(n, 10) != s {
		return 0, invalid(name + " is not an id")
	}
	return n, nil
}

// query is a parameter of the address, "" when it is absent.
func query(in *call.Call, name string) (string, error) {
	value, found := "", 0
	in.Request.QueryArgs().VisitAll(func(k, v []byte) {
		if string(k) == name {
			value = string(v)
			found++
		}
	})
	if found > 1 {
		return "", invalid(name + " is there twice")
	}
	return value, params.CheckText(name, value)
}

// limit is how many entries a page may have, none when the request does not say.
func limit(in *call.Call, none int32) (int32, error) { return number(in, "limit", none, maxLimit) }

// number is a parameter of the address from 1 to most, none when it is absent.
func number(in *call.Call, name string, none, most int32) (int32, error) {
	s, err := query(in, name)
	if err != nil || s == "" {
		return none, err
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n < 1 || n > uint64(most) { //nolint:gosec // most is positive
		return 0, invalid(name + " has to be a number from 1 to " + strconv.Itoa(int(most)))
	}
	return int32(n), nil
}

// cursor is where a page begins, "" for the beginning.
func cursor(in *call.Call) (string, error) {
	s, err := query(in, "cursor")
	if err == nil && len(s) > maxCursor {
		err = errCursor()
	}
	return s, err
}

// errCursor is for a cursor that no answer has named.
func errCursor() error { return invalid("cursor is not valid") }

// page is the page of a list that is asked for. The services' cursors go to clients as they are.
func page(in *call.Call) (*common.Page, error) {
	from, err := cursor(in)
	if err != nil {
		return nil, err
	}
	n, err := limit(in, defaultLimit)
	if err != nil {
		return nil, err
	}
	return &common.Page{Cursor: from, Limit: n}, nil
}

// listOf is the id in the path whose list is asked for, and the page.
func listOf(in *call.Call, name string) (int64, *common.Page, error) {
	id, err := pathID(in, name)
	if err != nil {
		return 0, nil, err
	}
	p, err := page(in)
	return id, p, err
}

// cursorOf makes a cursor of a time in milliseconds since 1970, msOf reads it; 0 is the beginning.
func cursorOf(ms int64) string {
	if ms == 0 {
		return ""
	}
	return strconv.FormatInt(ms, 10)
}

func msOf(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n <= 0 || n > maxID || strconv.FormatInt(n, 10) != cursor {
		return 0, errCursor()
	}
	return n, nil
}

// parseTime reads a time of RFC 3339 as milliseconds since 1970, rounded down.
func parseTime(name, s string) (int64, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, invalid(name + " is not a time of RFC 3339")
	}
	return t.UnixMilli(), nil
}

// parseUntil reads up to when something is read, as parseTime does; it is not before 1970.
func parseUntil(s string) (int64, error) {
	ms, err := parseTime("until", s)
	if err == nil && ms < 0 {
		err = invalid("until is before 1970")
	}
	return ms, err
}

// body reads the request's body, a JSON object, into req: a struct whose fields are strings, booleans, numbers, pointers to those, or
// lists, whose texts the caller checks.
// Unknown names are ignored. The error is an InvalidArgument that says what is wrong with which field.
func body(in *call.Call, req any) error {
	b := bytes.TrimLeft(in.JSON, " \t\r\n")
	if len(b) == 0 {
		return invalid("the body is missing")
	}
	if b[0] != '{' {
		return invalid("the body is not a JSON object")
	}
	if err := json.Unmarshal(b, req); err != nil {
		return jsonError(err)
	}
	return checkTexts(req)
}

// jsonError says what is wrong with a body, without the decoder's words.
func jsonError(err error) error {
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic) && errors.Is(err, jsontext.ErrDuplicateName):
		return invalid(fieldName(syntactic.JSONPointer) + " is there twice")
	case errors.As(err, &syntactic):
		return invalid("the body is not JSON in UTF-8")
	case errors.As(err, &semantic) && semantic.JSONPointer != "":
		return invalid(fieldName(semantic.JSONPointer) + " has the wrong type")
	}
	return invalid("the body is not readable")
}

// maxName bounds a name that a client has sent, in bytes.
const maxName = 64

// fieldName is the name of a field in an error's text: the outermost, or of one in a list its place, which counts from 0:
// "items.3.video_id".
func fieldName(at jsontext.Pointer) string {
	var tokens []string
	for token := range at.Tokens() {
		if len(token) > maxName {
			break
		}
		tokens = append(tokens, token)
	}
	switch {
	case len(tokens) == 0:
		return "a field"
	case len(tokens) == 1 || strings.Trim(tokens[1], "0123456789") != "":
		return strconv.Quote(tokens[0])
	}
	return strconv.Quote(strings.Join(tokens[:min(len(tokens), 3)], "."))
}

// checkTexts fails for a string that may not go on to a service.
func checkTexts(req any) error {
	v := reflect.ValueOf(req).Elem()
	for i := range v.NumField() {
		field := v.Field(i)
		if field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		if field.Kind() != reflect.String {
			continue
		}
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if err := params.CheckText(name, field.String()); err != nil {
			return err
		}
	}
	return nil
}
