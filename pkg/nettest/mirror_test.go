package nettest

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// echo answers with what it gets, until it is closed.
func echo(t *testing.T, addr string) net.Listener {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func dial(t *testing.T, addr string) (net.Conn, error) {
	t.Helper()
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", addr)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// says sends a byte and returns what became of it within a moment.
func says(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		return err
	}
	if _, err := c.Write([]byte{1}); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// Clients of a mirror are refused while the target is away, also the first ones when it is shut before.
func TestMirror(t *testing.T) {
	target := echo(t, "127.0.0.1:0")
	addr := target.Addr().String()
	p := Mirror(t, "127.0.0.1:0", addr)
	first, err := dial(t, p.Addr)
	if err == nil {
		err = says(first)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.Shut()
	if err := says(first); err != nil {
		t.Errorf("a connection from before: %v", err)
	}
	if _, err := dial(t, p.Addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("shut: %v", err)
	}
	_ = target.Close()
	p.Reopen()
	for range 2 {
		again := echo(t, addr)
		eventually(t, "the mirror listens again", func() bool {
			c, err := dial(t, p.Addr)
			return err == nil && says(c) == nil
		})
		_ = again.Close()
		eventually(t, "it refuses without having been shut", func() bool {
			_, err := dial(t, p.Addr)
			return errors.Is(err, syscall.ECONNREFUSED)
		})
	}
}

// One client hears nothing until the end of the freeze; the other one goes on.
func TestFreezeOfOneClient(t *testing.T) {
	p := NewProxy(t, echo(t, "127.0.0.1:0").Addr().String(), nil)
	held, err := dial(t, p.Addr)
	free, err2 := dial(t, p.Addr)
	if err = errors.Join(err, err2); err == nil {
		err = errors.Join(says(held), says(free))
	}
	if err != nil {
		t.Fatal(err)
	}
	p.FreezeOf(func(client net.Addr) bool { return client.String() == held.LocalAddr().String() })
	if err := says(free); err != nil {
		t.Errorf("the other client: %v", err)
	}
	if err := says(held); err == nil {
		t.Error("an answer in the freeze")
	}
	p.Thaw()
	if err := held.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(held, make([]byte, 1)); err != nil {
		t.Errorf("what was sent in the freeze: %v", err)
	}
}

func TestTurn(t *testing.T) {
	p := NewProxy(t, echo(t, "127.0.0.1:0").Addr().String(), nil)
	old, err := dial(t, p.Addr)
	if err == nil {
		err = says(old)
	}
	if err != nil {
		t.Fatal(err)
	}
	second := echo(t, "127.0.0.1:0")
	p.Turn(second.Addr().String())
	if err := says(old); err == nil {
		t.Error("the old connection lives")
	}
	if c, err := dial(t, p.Addr); err != nil || says(c) != nil {
		t.Errorf("a new one: %v", err)
	}
}
