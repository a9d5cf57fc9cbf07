package attack_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tiktok/test/harness"
)

// holdFor is how long connections are held.
const holdFor = 6 * time.Second

// fewFiles lets the process open fewer files than the attacker opens connections.
func fewFiles(*testing.T) []harness.Option { return []harness.Option{harness.Files(400)} }

// exhaustDescriptors opens more connections than the process may have open files.
func exhaustDescriptors(t *testing.T, v *victim) int { return v.hold(t, 2000, 30, nil, nil, holdFor) }

// hoardConnections opens as many as it can from few addresses, and says nothing.
func hoardConnections(t *testing.T, v *victim) int { return v.hold(t, 6000, 2, nil, nil, holdFor) }

// endlessHeads sends a byte of a head each second.
func endlessHeads(t *testing.T, v *victim) int {
	return v.hold(t, 2000, 8, []byte("GET /douyin/feed/?a="), []byte("a"), holdFor)
}

// queryOfSeparators sends queries of a megabyte that are nothing but parameters.
func queryOfSeparators(t *testing.T, v *victim) int {
	const requests = 60
	sent := []byte("GET /douyin/feed/?" + strings.Repeat("a&", 500_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
	harness.Parallel(t, 8, func(t testing.TB, i int) {
		for n := i; n < requests; n += 8 {
			c, err := v.dial(t.Context(), attackerAddr(i))
			if err != nil {
				continue
			}
			_ = c.SetDeadline(time.Now().Add(lookTimeout)) // of a connection that is open
			_, _ = c.Write(sent)                           // the server may close before it has all
			_, _ = c.Read(make([]byte, 1024))              // an answer, or the end
			_ = c.Close()
		}
	})
	return requests
}

// heldBodies sends most of the largest body that is taken, and the rest a byte a second.
func heldBodies(t *testing.T, v *victim) int {
	const size = 1 << 20
	head := fmt.Sprintf("POST /douyin/comment/action/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\n\r\n", size)
	first := append([]byte(head), bytes.Repeat([]byte("a"), size-1000)...)
	return v.hold(t, 1200, 8, first, []byte("a"), 2*holdFor)
}

// smuggle hides a second request behind bodies whose end two readers would see at two places. What a handler does with the
// body differs by route.
func smuggle(t *testing.T, v *victim) int {
	const hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	const chunked = "Transfer-Encoding: chunked\r\n\r\n"
	tries := map[string]string{
		"a chunk extension with a line feed":  chunked + "1;a\nb\r\na\r\n0\r\n\r\n",
		"a chunk extension with a return":     chunked + "1;a\rb\r\na\r\n0\r\n\r\n",
		"a long chunk extension":              chunked + "1;" + strings.Repeat("a", 5000) + "\r\na\r\n0\r\n\r\n",
		"a chunk size that is none":           chunked + "x\r\n",
		"a chunk that is longer than it says": chunked + "1\r\naaaa\r\n0\r\n\r\n",
		"a chunk without an end":              chunked + "5\r\nhelloXX0\r\n\r\n",
		"no semicolon before an extension":    chunked + "5 a\r\nhello\r\n0\r\n\r\n",
		"a size that overflows":               chunked + "ffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
		"a trailer that begins with a zero":   chunked + "5\r\nhello\r\n0\r\n0\r\n\r\n",
		"a negative chunk":                    chunked + "-1\r\n\r\n",
		"two ways to tell the length":         "Content-Length: 4\r\n" + chunked + "0\r\n\r\n",
		"two lengths":                         "Content-Length: 1\r\nContent-Length: 0\r\n\r\n",
		"a coding that is not the last":       "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"a coding that is none":               "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
	}
	paths := []string{"/douyin/user/login/", harness.PathPublish, "/douyin/nothing", "/nothing"}
	for name, rest := range tries {
		for _, path := range paths {
			sent := "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n" + rest + hidden
			got := v.exchange(t, attackerAddr(0), []byte(sent), answerTime)
			if n := bytes.Count(got, []byte("HTTP/1.1 ")); n > 1 || bytes.Contains(got, []byte(`"ok"`)) {
				v.lost("%s makes one request %d at %s", name, n, path)
			}
		}
	}
	return len(tries) * len(paths)
}

// askAround asks for what is not for strangers, often.
func askAround(t *testing.T, v *victim) int {
	const each, clients = 200, 8
	harness.Parallel(t, clients, func(t testing.TB, i int) {
		c := client(attackerAddr(i), true)
		for range each {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.URL()+"/readyz", nil)
			if err != nil {
				t.Fatal(err)
			}
			if res, err := c.Do(req); err == nil {
				_ = res.Body.Close()
			}
		}
	})
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "Via"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.URL()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header, map[string]string{"Forwarded": "for=203.0.113.7", "Via": "1.1 proxy"}[header]+"203.0.113.7")
		res, err := client(attackerAddr(0), false).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			v.lost("metrics are shown to whom a proxy on this machine forwards (%s)", header)
		}
	}
	return each*clients + 3
}
