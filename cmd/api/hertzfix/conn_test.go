package hertzfix

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// pair is a server's connection and its client. isClosed says that the server has closed it.
func pair(t *testing.T) (server *Conn, client net.Conn, isClosed *atomic.Bool) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }() // it has served
	var d net.Dialer
	if client, err = d.DialContext(t.Context(), "tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	tcp, ok := accepted.(*net.TCPConn)
	if !ok {
		t.Fatalf("accepted a %T", accepted)
	}
	isClosed = &atomic.Bool{}
	server = NewConn(tcp, func() { isClosed.Store(true) })
	t.Cleanup(func() { _ = server.CloseNow() }) // some tests close it
	return server, client, isClosed
}

func TestEvict(t *testing.T) {
	server, client, _ := pair(t)
	if since, ok := server.IdleSince(); !ok || time.Since(since) > time.Minute {
		t.Errorf("a new connection: idle since %v, %v", since, ok)
	}
	server.state.Store(readingHead)
	if _, ok := server.IdleSince(); ok || server.Evict() {
		t.Error("a connection with a request is evicted")
	}
	server.state.Store(responding)
	read := make(chan error, 1)
	go func() {
		_, err := server.Read(make([]byte, 1))
		read <- err
	}()
	for !server.Evict() {
		runtime.Gosched()
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-read; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read of an evicted connection: %v", err)
	}
}

// The time for a head begins with its first byte, not with the wait for it.
func TestHeadDeadlineBegins(t *testing.T) {
	server, client, _ := pair(t)
	before := time.Now()
	read := make(chan error, 1)
	go func() {
		_, err := server.Read(make([]byte, 1))
		read <- err
	}()
	sent := time.Now()
	for sent.Sub(before) < 20*time.Millisecond {
		runtime.Gosched()
		sent = time.Now()
	}
	if _, err := client.Write([]byte("G")); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil || server.headStart.Before(sent) {
		t.Errorf("%v; the head began %v before it was sent", err, sent.Sub(server.headStart))
	}
}

// A body may be read until the deadline that its reader sets; it does not hold for the next head.
func TestBodyDeadline(t *testing.T) {
	server, client, _ := pair(t)
	server.state.Store(handling)
	if err := server.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	server.state.Store(responding) // and between two requests it says nothing
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("read of the next request: %v", err)
	}
}

func TestDeadlines(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	for name, try := range map[string]struct {
		state int32
		head  time.Time
		late  bool
	}{
		"new":                       {idle, time.Time{}, false},
		"a head that does not end":  {readingHead, long, true},
		"a body after a slow head":  {handling, long, false},
		"the next request of a day": {responding, long, false},
	} {
		server, client, _ := pair(t)
		server.state.Store(try.state)
		server.headStart = try.head
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

func TestCloseUnlessHandling(t *testing.T) {
	server, client, _ := pair(t)
	got := make(chan error, 1)
	read := func() {
		_, err := server.Read(make([]byte, 1))
		got <- err
	}
	server.state.Store(handling)
	go read()
	server.closeUnlessHandling() // must not touch it
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("a busy connection: %v", err)
	}
	server.state.Store(responding)
	go read()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-got:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("an idle connection: %v", err)
			}
			if err := server.CloseNow(); err != nil {
				t.Error(err)
			}
			return
		case <-tick.C:
			server.closeUnlessHandling()
		}
	}
}

// An answer survives that its reader has not sent everything yet.
func TestCloseLingers(t *testing.T) {
	server, client, isClosed := pair(t)
	server.state.Store(responding)
	if _, err := client.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Close() }()
	all, err := io.ReadAll(client)
	if string(all) != "answer" || err != nil {
		t.Errorf("read %q, %v", all, err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !isClosed.Load() {
		t.Error("closed was not called")
	}
}

// A connection that was quiet for longer than a write may take still gets its next answer, also one of several buffers.
func TestAnswerAfterAQuietTime(t *testing.T) {
	server, client, _ := pair(t)
	if err := server.SetWriteDeadline(time.Now().Add(-time.Minute)); err != nil { // of an answer long ago
		t.Fatal(err)
	}
	server.state.Store(responding)
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
