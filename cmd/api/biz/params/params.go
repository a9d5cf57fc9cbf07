// Package params reads the parameters of a request the way the mobile client and its test suites send them: in the
// query, in a urlencoded body or in a multipart body, with any method, and numbers also in float notation.
package params

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/protocol"

	"tiktok/pkg/errno"
)

const (
	// MaxText is the longest value of one parameter, in bytes. What a service accepts is less; this bounds what is
	// sent to it.
	MaxText = 8 << 10
	// maxExact is 2^53: a float64 holds every integer below it exactly.
	maxExact = 1 << 53
	// maxNumber bounds the text of a number.
	maxNumber = 64
)

// Values are the parameters of one request. The query comes before the body, of several values of one name in one place
// the first counts, and an empty value is the same as none.
type Values struct {
	query *app.RequestContext // whose query is parsed when it is first asked for: after the limits of its address
	form  protocol.Args
}

// FromQuery has the parameters of the query; ReadBody or Add bring those of the body.
func FromQuery(c *app.RequestContext) *Values { return &Values{query: c} }

// Add appends a parameter of a body that the caller reads by itself.
func (v *Values) Add(name, value string) { v.form.Add(name, value) }

// Raw is the value as it was sent, decoded but not checked; "" when it is absent or empty.
func (v *Values) Raw(name string) string {
	if v.query != nil {
		if b := v.query.QueryArgs().Peek(name); len(b) > 0 {
			return string(b)
		}
	}
	return string(v.form.Peek(name))
}

// Text is a value that may go on to a service: valid UTF-8, no NUL, at most MaxText bytes. An absent one is "".
func (v *Values) Text(name string) (string, error) {
	s := v.Raw(name)
	if err := CheckText(name, s); err != nil {
		return "", err
	}
	return s, nil
}

// CheckText fails for a value that may not go on to a service, as Text does.
func CheckText(name, s string) error {
	switch {
	case len(s) > MaxText:
		return errno.InvalidArgument.With(name + " is too long")
	case !utf8.ValidString(s):
		return errno.InvalidArgument.With(name + " is not valid UTF-8")
	case strings.IndexByte(s, 0) >= 0:
		return errno.InvalidArgument.With(name + " must not contain control characters")
	}
	return nil
}

// Int is a whole number; ok is false when it is absent.
func (v *Values) Int(name string) (n int64, ok bool, err error) {
	s := v.Raw(name)
	if strings.TrimSpace(s) == "" {
		return 0, false, nil
	}
	n, ok = ParseInt(s)
	if !ok {
		return 0, false, errno.InvalidArgument.With(name + " is not a number")
	}
	return n, true, nil
}

// ID is an id that must be there.
func (v *Values) ID(name string) (int64, error) {
	n, ok, err := v.Int(name)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, errno.InvalidArgument.With(name + " is missing")
	}
	if n <= 0 {
		return 0, errno.InvalidArgument.With(name + " is not valid")
	}
	return n, nil
}

// OptionalID is an id, or 0 when it is absent. The client sends 0 for "nobody", which is the same.
func (v *Values) OptionalID(name string) (int64, error) {
	n, _, err := v.Int(name)
	if err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, errno.InvalidArgument.With(name + " is not valid")
	}
	return n, nil
}

// ParseInt reads a whole number in digits, or in float notation when a float64 holds it exactly: test suites take ids
// from JSON as float64 and send 1000001 as 1.000001e+06. A plus sign that was not escaped in the query, and so arrived
// as a space, is forgiven.
func ParseInt(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if len(s) > maxNumber {
		return 0, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	s = strings.Replace(s, "e ", "e+", 1)
	if strings.Trim(s, "0123456789+-.eE") != "" { // no hex, no underscores, no "inf"
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f <= -maxExact || f >= maxExact || f != float64(int64(f)) {
		return 0, false
	}
	return int64(f), true
}
