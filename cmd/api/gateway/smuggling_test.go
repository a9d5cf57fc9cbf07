package gateway_test

import (
	"io"
	"strings"
	"testing"
	"time"
)

// all sends bytes and reads until the server closes the connection.
func all(t *testing.T, e *env, text string) string {
	t.Helper()
	c := connect(t, e)
	defer shut(c)
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatalf("%.200q: %v", text, err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("%.200q: %v after %.300q", text, err, got)
	}
	return string(got)
}

// What follows a request whose end is not certain is never answered as a request of its own: a proxy in front may have
// taken it for a part of the first, which somebody else sent.
func TestSmuggling(t *testing.T) {
	e := start(t, &fakes{})
	const next = "GET /douyin/user/?user_id=7 HTTP/1.1\r\nHost: x\r\n\r\n"
	once := func(name, text string) {
		t.Helper()
		got := all(t, e, text+next+next)
		if strings.Count(got, "HTTP/1.1 ") != 1 || strings.Contains(got, "user7") {
			t.Errorf("%s: answered %q", name, got)
		}
		ours := strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") && !strings.Contains(got, `"status_code":0,`)
		if !ours && !strings.HasPrefix(got, "HTTP/1.1 400 ") && !strings.HasPrefix(got, "HTTP/1.1 404 ") {
			t.Errorf("%s: answered %q", name, got)
		}
		if !strings.Contains(got, "Connection: close\r\n") {
			t.Errorf("%s: the client is not told that the connection ends: %q", name, got)
		}
	}
	for name, body := range map[string]string{
		"an extension with a line feed":     "5;a\nb\r\nhello\r\n0\r\n\r\n",
		"an extension with a return":        "5;a\rb\r\nhello\r\n0\r\n\r\n",
		"an extension with a zero":          "5;a\x00\r\nhello\r\n0\r\n\r\n",
		"no semicolon before an extension":  "5 a\r\nhello\r\n0\r\n\r\n",
		"a long extension":                  "5;" + strings.Repeat("a", 600) + "\r\nhello\r\n0\r\n\r\n",
		"many extensions":                   strings.Repeat("1;"+strings.Repeat("a", 400)+"\r\nx\r\n", 30) + "0\r\n\r\n",
		"a size that is none":               "zz\r\nhello\r\n0\r\n\r\n",
		"no size":                           "\r\nhello\r\n0\r\n\r\n",
		"a size with a prefix":              "0x5\r\nhello\r\n0\r\n\r\n",
		"a size with a sign":                "+5\r\nhello\r\n0\r\n\r\n",
		"a negative size":                   "-5\r\nhello\r\n0\r\n\r\n",
		"a size with a space before it":     " 5\r\nhello\r\n0\r\n\r\n",
		"a size with a space after it":      "5 \r\nhello\r\n0\r\n\r\n",
		"a size that overflows":             "ffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
		"a size of 2^64+5":                  "10000000000000005\r\nhello\r\n0\r\n\r\n",
		"a size that ends in a line feed":   "5\nhello\r\n0\r\n\r\n",
		"a size that ends in two returns":   "5\r\r\nhello\r\n0\r\n\r\n",
		"a chunk without an end":            "5\r\nhelloXX0\r\n\r\n",
		"a chunk that ends in a line feed":  "5\r\nhello\n0\r\n\r\n",
		"a chunk longer than its size":      "4\r\nhello\r\n0\r\n\r\n",
		"an end of line feeds":              "5\r\nhello\r\n0\n\n",
		"a trailer that is none":            "5\r\nhello\r\n0\r\nnothing\r\n\r\n",
		"a trailer that begins with zero":   "5\r\nhello\r\n0\r\n0\r\n\r\n",
		"a trailer with a space":            "5\r\nhello\r\n0\r\nA : b\r\n\r\n",
		"a folded trailer":                  "5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n",
		"a trailer that ends in line feeds": "5\r\nhello\r\n0\r\nA: b\n\n",
		"endless trailers":                  "5\r\nhello\r\n0\r\n" + strings.Repeat("A: "+strings.Repeat("b", 400)+"\r\n", 30) + "\r\n",
	} {
		for _, path := range []string{"/douyin/user/login/", "/douyin/publish/action/", "/douyin/nothing", "/nothing"} {
			once(
				name+" at "+path,
				"POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n"+body,
			)
		}
	}
	const chunks = "5\r\nhello\r\n0\r\n\r\n"
	for name, fields := range map[string]string{
		"both":                           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
		"both, the length first":         "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"a length of zero and chunks":    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
		"two lengths":                    "Content-Length: 5\r\nContent-Length: 6\r\n",
		"a list of lengths":              "Content-Length: 5, 5\r\n",
		"a length with a sign":           "Content-Length: +5\r\n",
		"a negative length":              "Content-Length: -5\r\n",
		"a length in sixteens":           "Content-Length: 0x5\r\n",
		"an empty length":                "Content-Length:\r\n",
		"a length that overflows":        "Content-Length: 18446744073709551621\r\n",
		"a length after a space":         "Content-Length : 5\r\n",
		"a length after a tab":           "Content-Length\t: 5\r\n",
		"a length after a vertical tab":  "Content-Length\x0b: 5\r\n",
		"identity":                       "Transfer-Encoding: identity\r\n",
		"identity last":                  "Transfer-Encoding: chunked, identity\r\n",
		"gzip":                           "Transfer-Encoding: gzip, chunked\r\n",
		"chunked twice":                  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"chunked and a comma":            "Transfer-Encoding: chunked,\r\n",
		"another encoding":               "Transfer-Encoding: xchunked\r\n",
		"chunked after a vertical tab":   "Transfer-Encoding: \x0bchunked\r\n",
		"chunked after a space":          "Transfer-Encoding : chunked\r\n",
		"chunked folded":                 "Transfer-Encoding:\r\n chunked\r\n",
		"a folded field":                 "A: b\r\n c\r\n",
		"a field folded by a tab":        "A: b\r\n\tc\r\n",
		"a field that begins with space": " A: b\r\n",
		"a field without a colon":        "A\r\n",
		"a field without a name":         ": b\r\n",
		"a name with a zero":             "A\x00: b\r\n",
		"a name in brackets":             "A[b]: c\r\n",
		"a value with a return":          "A: b\rContent-Length: 5\r\n",
		"a value with a zero":            "A: b\x00\r\n",
		"a line feed":                    "A: b\nContent-Length: 5\r\n",
	} {
		for _, path := range []string{"/douyin/user/login/", "/nothing"} {
			once(name+" at "+path, "POST "+path+" HTTP/1.1\r\nHost: x\r\n"+fields+"\r\n"+chunks)
		}
	}
	once(
		"chunks in HTTP/1.0",
		"POST /douyin/user/login/ HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"+chunks,
	)
	once("a head that ends in line feeds", "POST /douyin/user/login/ HTTP/1.1\nHost: x\nContent-Length: 5\n\nhello")
}

// Good requests are answered one after the other, however they come.
func TestPipelining(t *testing.T) {
	e := start(t, &fakes{})
	const kind = "Content-Type: application/x-www-form-urlencoded\r\n"
	const last = "GET /douyin/user/?user_id=7 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for name, first := range map[string]string{
		"no body":  "GET /douyin/feed/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"a length": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\n" + kind + "Content-Length: 10\r\n\r\nusername=x",
		"two equal lengths": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\n" + kind +
			"Content-Length: 10\r\nContent-Length: 10\r\n\r\nusername=x",
		"chunks": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\n" + kind +
			"Transfer-Encoding: Chunked\r\n\r\n5\r\nusern\r\n005\r\name=x\r\n0\r\n\r\n",
		"extensions, trailers": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\n" + kind +
			"Transfer-Encoding: chunked\r\n\r\nA;a=\"b c\";d\r\nusername=x\r\n000;e\r\nChecksum: 1\r\nB:\r\n\r\n",
		"a large chunk": "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\n" + kind +
			"Transfer-Encoding: chunked\r\n\r\n40000\r\nusername=" + strings.Repeat("x", 1<<18-9) + "\r\n0\r\n\r\n",
		"a body nobody reads": "POST /douyin/user/ HTTP/1.1\r\nHost: x\r\n" + kind + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"a field with a tab":  "GET /douyin/feed/ HTTP/1.1\r\nHost: x\r\nX-A!#$%&'*+-.^_`|~9: b\tc\r\n\r\n",
	} {
		got := all(t, e, first+first+last)
		if strings.Count(got, "HTTP/1.1 200 OK") != 3 || strings.Count(got, "user7") != 1 {
			t.Errorf("%s: answered %.1000q", name, got)
		}
	}
}
