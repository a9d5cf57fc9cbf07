package hertzfix

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cloudwego/hertz/pkg/app"
)

// tracking is a listener of Conns.
type tracking struct {
	net.Listener
	mu    sync.Mutex
	conns []*Conn // guarded by mu
}

func (l *tracking) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil, err
	}
	conn := NewConn(tcp, func() {})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, conn)
	return conn, nil
}

func (l *tracking) open() []*Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*Conn(nil), l.conns...)
}

// serve runs a server until the test ends, and a client of it. It answers "hello" to GET /.
func serve(t *testing.T) (l *tracking, client net.Conn) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = &tracking{Listener: ln}
	h := NewServer(l)
	h.GET("/", func(_ context.Context, c *app.RequestContext) { c.String(http.StatusOK, "hello") })
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, h, l.open, time.Minute) }()
	var d net.Dialer
	if client, err = d.DialContext(t.Context(), "tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close() // some tests close it
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return l, client
}

// waitForState waits until the only connection is in a state.
func waitForState(t *testing.T, l *tracking, state int32) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		if conns := l.open(); len(conns) == 1 && conns[0].state.Load() == state {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the connection does not come to state %d", state)
		}
	}
}

// The head of a request that comes with the previous one has no more time than any other.
func TestPipelinedHeadHasItsTime(t *testing.T) {
	l, client := serve(t)
	if _, err := fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(client)
	for i := range 2 {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != "hello" || err != nil {
			t.Errorf("answer %d: %q, %v", i, body, err)
		}
		if i > 0 {
			break
		}
		waitForState(t, l, readingHead) // of the second request: the first one is answered
		if _, err := fmt.Fprint(client, "Host: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
}
