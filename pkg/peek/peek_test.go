//go:build unix

package peek_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"tiktok/pkg/peek"
)

func TestLook(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }() // it has served
	var d net.Dialer
	client, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	sc, ok := server.(syscall.Conn)
	if !ok {
		t.Fatal("a connection of TCP has a descriptor")
	}
	becomes := func(want peek.State) {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); peek.Look(sc) != want; {
			if time.Now().After(end) {
				t.Fatalf("state %d, want %d", peek.Look(sc), want)
			}
		}
	}
	becomes(peek.Nothing)
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	becomes(peek.Data)
	if n, err := server.Read(make([]byte, 2)); n != 1 || err != nil {
		t.Fatalf("looking has taken something: read %d, %v", n, err)
	}
	becomes(peek.Nothing)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	becomes(peek.End)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	becomes(peek.End)
}
