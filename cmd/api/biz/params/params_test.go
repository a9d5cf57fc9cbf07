package params_test

import (
	"bytes"
	"errors"
	"math"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/prometheus/client_golang/prometheus"

	"tiktok/cmd/api/biz/params"
	"tiktok/cmd/api/hertzfix"
	"tiktok/pkg/errno"
)

func query(q string) *params.Values {
	c := app.NewContext(0)
	c.Request.SetRequestURI("/x?" + q)
	return params.FromQuery(c)
}

func TestParseInt(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "5": 5, "-5": -5, "+5": 5, " 7 ": 7, "007": 7, "9223372036854775807": math.MaxInt64,
		"1.000001e+06": 1000001, "1.000001e 06": 1000001, "1e3": 1000, "1E3": 1000, "5.0": 5, "-2.0e1": -20, "1e15": 1e15,
		"9.007199254740991e+15": 1<<53 - 1,
	} {
		if n, ok := params.ParseInt(s); !ok || n != want {
			t.Errorf("ParseInt(%q) = %d, %v; want %d", s, n, ok, want)
		}
	}
	for _, s := range []string{
		"", " ", "x", "1x", "0x10", "1_000", "1.5", "NaN", "Inf", "-inf", "1e400", "1e16", "9.007199254740992e+15", "9223372036854775808",
		"e", ".", "-", "1e", "1 2", "１", "1\x00", strings.Repeat("1", 1000),
	} {
		if n, ok := params.ParseInt(s); ok {
			t.Errorf("ParseInt(%q) = %d", s, n)
		}
	}
}

func TestPrecedence(t *testing.T) {
	v := query("a=query&a=second&b=&d=%20")
	v.Add("a", "form")
	v.Add("b", "form")
	v.Add("c", "form")
	v.Add("c", "second")
	for name, want := range map[string]string{"a": "query", "b": "form", "c": "form", "d": " ", "e": ""} {
		if got := v.Raw(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

func TestTextRefuses(t *testing.T) {
	v := query("bad=%ff&nul=a%00b&ok=%E4%BD%A0+%0A%09")
	v.Add("long", strings.Repeat("x", params.MaxText+1))
	v.Add("full", strings.Repeat("x", params.MaxText))
	for _, name := range []string{"bad", "nul", "long"} {
		if _, err := v.Text(name); !errors.Is(err, errno.InvalidArgument) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"ok", "full", "absent"} {
		if _, err := v.Text(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseInt(f *testing.F) {
	for _, s := range []string{"1", "1.000001e+06", "-0", "1e-3", "0.0000001e7", "9007199254740993", "+1.e+1", "e 1", "--1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := params.ParseInt(s)
		if !ok {
			return
		}
		if again, ok := params.ParseInt(strconv.FormatInt(n, 10)); !ok || again != n {
			t.Errorf("%q is %d, and that is %d", s, n, again)
		}
		if x, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && math.Abs(x) < 1<<53 && x != float64(n) {
			t.Errorf("%q is %d, and as a float %v", s, n, x)
		}
	})
}

// What goes on to a service is always valid text, whatever the client sends and however.
func FuzzBody(f *testing.F) {
	f.Add("user_id=5&name=x", "application/x-www-form-urlencoded", []byte("name=y&user_id=%ff"))
	f.Add("", "multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nann\r\n--b--\r\n"))
	f.Add("name=%zz", "", []byte("&&==&name"))
	f.Add("name=%00", "text/plain", []byte{0xff})
	f.Fuzz(func(t *testing.T, q, contentType string, body []byte) {
		v := query(strings.Map(func(r rune) rune {
			if r < ' ' || r == '#' {
				return -1
			}
			return r
		}, q))
		if _, err := v.ReadBody(bytes.NewReader(body), contentType, 1<<10, params.NewBudget(0, prometheus.NewRegistry())); err != nil &&
			!errors.Is(err, errno.InvalidArgument) {
			t.Errorf("ReadBody: %v", err)
		}
		name, err := v.Text("name")
		if err == nil && (!utf8.ValidString(name) || strings.Contains(name, "\x00") || len(name) > params.MaxText) {
			t.Errorf("text %q", name)
		}
		if id, err := v.ID("user_id"); err == nil && id <= 0 {
			t.Errorf("id %d", id)
		}
		if id, err := v.OptionalID("user_id"); err == nil && id < 0 {
			t.Errorf("optional id %d", id)
		}
	})
}

func TestReadBodyLimits(t *testing.T) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for i := range 100 {
		if err := w.WriteField(strconv.Itoa(i), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct{ kind, body string }{
		"many parts":  {w.FormDataContentType(), form.String()},
		"many fields": {"application/x-www-form-urlencoded", strings.Repeat("a=1&", 100)},
		"too large":   {"application/x-www-form-urlencoded", "a=" + strings.Repeat("x", 1<<20)},
		"cut off":     {w.FormDataContentType(), form.String()[:200]},
		"no boundary": {"multipart/form-data", form.String()},
	} {
		if _, err := query("").ReadBody(strings.NewReader(try.body), try.kind, 1<<20,
			params.NewBudget(1<<20, prometheus.NewRegistry())); !errors.Is(
			err,
			errno.InvalidArgument,
		) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReadAllSaysHowABodyFailed checks the errors that have an HTTP status of their own.
func TestReadAllSaysHowABodyFailed(t *testing.T) {
	budget := params.NewBudget(0, prometheus.NewRegistry())
	_, _, err := params.ReadAll(iotest.ErrReader(os.ErrDeadlineExceeded), 1<<20, budget)
	r, ok := errors.AsType[*hertzfix.Refusal](err)
	if !ok || r.Status != http.StatusRequestTimeout || !errors.Is(err, errno.InvalidArgument) {
		t.Errorf("too slow: %v", err)
	}
	if _, _, err = params.ReadAll(strings.NewReader("12345"), 4, budget); !errors.Is(err, errno.BodyTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, _, err = params.ReadAll(strings.NewReader(strings.Repeat("x", 20_000)), 1<<20, budget); !errors.Is(err, errno.TooManyRequests) {
		t.Errorf("no memory: %v", err)
	}
}
