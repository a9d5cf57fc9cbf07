package gateway

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pair is a tracked connection and its client.
func pair(t *testing.T) (*listener, *conn, net.Conn) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(ln)
	var d net.Dialer
	client, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server, ok := accepted.(*conn)
	if !ok {
		t.Fatalf("accepted a %T", accepted)
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.kill()
		_ = ln.Close()
	})
	return l, server, client
}

func TestDeadlines(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	for name, try := range map[string]struct {
		state int32
		head  time.Time
		late  bool
	}{
		"new":                       {waiting, time.Time{}, false},
		"a head that does not end":  {waiting, long, true},
		"a body after a slow head":  {answering, long, false},
		"the next request of a day": {answered, long, false},
	} {
		_, server, client := pair(t)
		server.state.Store(try.state)
		server.head = try.head
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 8)
		n, err := server.Read(buf)
		if late := errors.Is(err, os.ErrDeadlineExceeded); late != try.late || !late && n != 1 {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

func TestCloseIdle(t *testing.T) {
	l, server, client := pair(t)
	got := make(chan error, 1)
	read := func() {
		_, err := server.Read(make([]byte, 1))
		got <- err
	}
	server.state.Store(answering)
	go read()
	l.closeIdle() // must not touch it
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("a busy connection: %v", err)
	}
	server.state.Store(answered)
	go read()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-got:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("an idle connection: %v", err)
			}
			if err := server.kill(); err != nil {
				t.Error(err)
			}
			return
		case <-tick.C:
			l.closeIdle()
		}
	}
}

// What is closed leaves the list, and an answer survives what its reader had not sent yet.
func TestCloseLingers(t *testing.T) {
	l, server, client := pair(t)
	server.state.Store(answered)
	if _, err := client.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	all, err := io.ReadAll(client)
	if string(all) != "answer" || err != nil {
		t.Errorf("read %q, %v", all, err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if n := len(l.all()); n != 0 {
		t.Errorf("%d connections are still listed", n)
	}
}

// A connection that was quiet for longer than a write may take still gets its next answer, also one of several buffers.
func TestAnswerAfterAQuietTime(t *testing.T) {
	_, server, client := pair(t)
	if err := server.SetWriteDeadline(time.Now().Add(-time.Minute)); err != nil { // of an answer long ago
		t.Fatal(err)
	}
	server.state.Store(answered)
	if _, err := client.Write([]byte("GET")); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	buffers := net.Buffers{[]byte("head"), []byte("body")}
	if _, err := buffers.WriteTo(server); err != nil {
		t.Errorf("the answer: %v", err)
	}
}
