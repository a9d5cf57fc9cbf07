// Package accept keeps a server alive while connections cannot be accepted.
package accept

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// firstPause is the wait after the first failure; each further one in a row is twice as long, up to maxPause.
	firstPause = 5 * time.Millisecond
	maxPause   = time.Second
)

// Listener retries failed Accepts. Hertz and Kitex stop serving at any error of Accept: func serve in Hertz' network/standard,
// func BootstrapServer in Kitex' remote/trans/gonet. One goroutine may call Accept at a time.
type Listener struct {
	net.Listener
	failed func(err error)
	closed chan struct{}
	close  sync.Once
}

// Retry returns a Listener on ln that calls failed for each temporary error, from the goroutine that accepts.
func Retry(ln net.Listener, failed func(err error)) *Listener {
	return &Listener{Listener: ln, failed: failed, closed: make(chan struct{})}
}

// Accept returns the next connection. It retries temporary errors with exponential backoff, 5 ms to 1 s. It returns other
// errors, and net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
	pause := &backoff.ExponentialBackOff{InitialInterval: firstPause, MaxInterval: maxPause, Multiplier: 2}
	for {
		c, err := l.Listener.Accept()
		if err == nil || !temporary(err) {
			return c, err
		}
		l.failed(err)
		retry := time.NewTimer(pause.NextBackOff())
		select {
		case <-retry.C:
		case <-l.closed:
			retry.Stop()
			return nil, net.ErrClosed
		}
	}
}

// Close ends Accept and closes the listener.
func (l *Listener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// temporary reports whether the listener may accept again after an error: the cause is the connection, the network, or
// what the process or the machine has left.
func temporary(err error) bool {
	for _, e := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR, syscall.EPROTO, syscall.EPERM,
		syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.EOPNOTSUPP, syscall.ETIMEDOUT,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
