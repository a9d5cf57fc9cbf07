package accept_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"tiktok/pkg/accept"
)

// failing is a listener that fails some times before it accepts.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return f.Listener.Accept()
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
}

// listen returns a listener that fails with errs first, and the errors that were retried.
func listen(t *testing.T, errs ...error) (ln *accept.Listener, failed chan error) {
	t.Helper()
	var lc net.ListenConfig
	tcp, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failed = make(chan error, 100)
	ln = accept.Retry(&failing{tcp, errs}, func(err error) { failed <- err })
	t.Cleanup(func() { _ = ln.Close() }) // tests close it, too
	return ln, failed
}

func TestRetriesTemporaryErrors(t *testing.T) {
	ln, failed := listen(t, syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED)
	var d net.Dialer
	client, err := d.DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := ln.Accept()
	if err != nil || len(failed) != 5 {
		t.Errorf("accepted %v, %v after %d failures", c, err, len(failed))
	}
	_, _ = client.Close(), c.Close()
}

func TestBrokenListener(t *testing.T) {
	ln, failed := listen(t, syscall.EBADF)
	if _, err := ln.Accept(); !errors.Is(err, syscall.EBADF) || len(failed) != 0 {
		t.Errorf("accept: %v, %d retries", err, len(failed))
	}
}

// A listener that is closed during a pause returns at once.
func TestCloseDuringPause(t *testing.T) {
	errs := make([]error, 64) // with pauses for a minute
	for i := range errs {
		errs[i] = syscall.EMFILE
	}
	ln, failed := listen(t, errs...)
	got := make(chan error, 1)
	go func() {
		_, err := ln.Accept()
		got <- err
	}()
	if err := <-failed; err == nil {
		t.Error("Accept has not failed")
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
}
