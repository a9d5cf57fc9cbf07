package gateway_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"tiktok/cmd/api/gateway"
	"tiktok/pkg/errno"
)

// Bodies that are held open share one bound of memory: over it large requests are asked to come again, small ones are
// served, and the memory is free again when the clients go.
func TestBodiesHeldOpen(t *testing.T) {
	const budget = 200 << 10
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Config.MaxBufferedBytes, d.Config.MaxBodyBytes = budget, 128<<10 })
	large := strings.Repeat("x", 100<<10)
	login := func(body string) answer {
		return e.do(request{
			method: "POST", path: "/douyin/user/login/", body: strings.NewReader(body),
			header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		})
	}
	wantCode(t, login("username="+large), errno.InvalidArgument.Code) // too long for a name; it was read
	var held []net.Conn
	for i, head := range []string{"Content-Length: 102400\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n19000\r\n"} {
		var d net.Dialer
		c, err := d.DialContext(t.Context(), "tcp", e.gw.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer shut(c)
		held = append(held, c)
		// 40 KiB need 64 KiB, of which 8 KiB do not count.
		text := "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n" + head + large[:40<<10]
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the body to be in memory", func() bool { return e.gw.Buffered() == int64(i+1)*(56<<10) })
	}
	a := login("username=" + large)
	wantCode(t, a, errno.TooManyRequests.Code)
	if a.Header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", a.Header)
	}
	wantCode(t, login("username=x&password=y"), 0)
	wantCode(t, login("username=x&password="+large[:7<<10]), 0)
	for _, line := range []string{"tiktok_http_buffered_bytes 114688", "tiktok_http_connections 3"} {
		if metrics := string(e.get("/metrics").body); !strings.Contains(metrics, line+"\n") {
			t.Errorf("no %s in\n%s", line, metrics)
		}
	}
	for _, c := range held {
		shut(c)
	}
	waitFor(t, "the memory to be free", func() bool { return e.gw.Buffered() == 0 })
	wantCode(t, login("username="+large), errno.InvalidArgument.Code)
}

// An announced size costs nothing before its bytes come.
func TestAnnouncedBodyCostsNothing(t *testing.T) {
	e := start(t, &fakes{})
	c := connect(t, e)
	defer shut(c)
	sent := 9 << 10 // more than Hertz reads with the head
	send(t, c, "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", 1<<20, strings.Repeat("x", sent))
	waitFor(t, "the body", func() bool { return e.gw.Buffered() > 0 })
	if got := e.gw.Buffered(); got != 8<<10 {
		t.Errorf("%d bytes held for %d", got, sent)
	}
	if _, err := fmt.Fprint(c, strings.Repeat("x", 1<<20-sent)); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the answer", func() bool { return e.gw.Buffered() == 0 })
}
