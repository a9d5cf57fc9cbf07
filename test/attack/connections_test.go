package attack_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tiktok/config"
	"tiktok/test/harness"
)

// holdFor is how long connections are held.
const holdFor = 6 * time.Second

// exhaustDescriptors opens more connections than the process may have open files.
func exhaustDescriptors(t *testing.T, v *victim) int {
	limit := unix.Rlimit{Cur: 200, Max: 200}
	if err := unix.Prlimit(v.PID(t, config.AllInOne), unix.RLIMIT_NOFILE, &limit, nil); err != nil {
		t.Skipf("no limit can be set: %v", err)
	}
	// A bystander cannot be let in while there is no descriptor left; but when they are let go, everybody must be.
	ctx := t.Context()
	opened := v.hold(t, 600, 30, nil, nil, holdFor)
	harness.Eventually(t, lookTimeout, func() error {
		return get(ctx, client(bystanderAddr, false), v.URL()+harness.PathFeed)
	})
	return opened
}

// hoardConnections opens as many as it can from few addresses, and says nothing.
func hoardConnections(t *testing.T, v *victim) int { return v.hold(t, 6000, 2, nil, nil, holdFor) }

// endlessHeads sends a byte of a head each second.
func endlessHeads(t *testing.T, v *victim) int {
	return v.hold(t, 2000, 8, []byte("GET /douyin/feed/?a="), []byte("a"), holdFor)
}

// queryOfSeparators sends queries of a megabyte that are nothing but separators.
func queryOfSeparators(t *testing.T, v *victim) int {
	const requests = 60
	sent := []byte("GET /douyin/feed/?" + string(bytes.Repeat([]byte("&"), 1_000_000)) + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
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

// smuggle hides a second request behind bodies whose end two readers would see at two places.
func smuggle(t *testing.T, v *victim) int {
	const hidden = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	head := "POST /douyin/favorite/action/ HTTP/1.1\r\nHost: localhost\r\n"
	chunked := head + "Transfer-Encoding: chunked\r\n\r\n"
	tries := map[string]string{
		"a chunk extension with a line feed":   chunked + "1;a\nb\r\na\r\n0\r\n\r\n" + hidden,
		"a chunk extension with a return":      chunked + "1;a\rb\r\na\r\n0\r\n\r\n" + hidden,
		"a chunk size that is none":            chunked + "x\r\n" + hidden,
		"a chunk that is longer than it says":  chunked + "1\r\naaaa\r\n0\r\n\r\n" + hidden,
		"a negative chunk":                     chunked + "-1\r\n\r\n" + hidden,
		"two ways to tell the length":          head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"two lengths":                          head + "Content-Length: 1\r\nContent-Length: 0\r\n\r\n" + hidden,
		"a coding that is not the last":        head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
		"a coding that is none":                head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"a chunked body that HTTP/1.0 has not": "POST /douyin/favorite/action/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
	}
	for name, sent := range tries {
		got := v.exchange(t, attackerAddr(0), []byte(sent), 3*time.Second)
		if n := bytes.Count(got, []byte("HTTP/1.1 ")); n > 1 || bytes.Contains(got, []byte(`"ok"`)) {
			v.lost("%s makes one request %d", name, n)
		}
	}
	return len(tries)
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
