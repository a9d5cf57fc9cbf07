package attack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// attackerAddr is the n-th address of attackers.
func attackerAddr(n int) string { return fmt.Sprintf("127.0.1.%d", 1+n%250) }

// call makes one request and returns the envelope of the answer.
func call(ctx context.Context, c *http.Client, method, address string) (code int32, msg string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return 0, "", err
	}
	return do(c, req)
}

func do(c *http.Client, req *http.Request) (code int32, msg string, err error) {
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = res.Body.Close() }() // only read
	var envelope struct {
		Code *int32 `json:"status_code"`
		Msg  string `json:"status_msg"`
	}
	body, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(body, &envelope)
	}
	if err == nil && envelope.Code == nil {
		err = errors.New("no envelope")
	}
	if err != nil {
		return 0, "", fmt.Errorf("HTTP status %d: %w: %.100s", res.StatusCode, err, body)
	}
	return *envelope.Code, envelope.Msg, nil
}

// dial opens a plain connection from an address of loopback.
func (v *victim) dial(ctx context.Context, from string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 2 * time.Second}
	return d.DialContext(ctx, "tcp", v.URL()[len("http://"):])
}

// hold opens n connections from as many addresses as given, sends first on each, and next every second until the time is
// over. It returns how many could be opened. A connection that the server closes is opened again, as an attacker would.
func (v *victim) hold(t *testing.T, n, addresses int, first, next []byte, during time.Duration) (opened int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	var wg sync.WaitGroup
	var mu sync.Mutex
	for i := range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				c, err := v.dial(ctx, attackerAddr(i%addresses))
				if err == nil {
					mu.Lock()
					opened++
					mu.Unlock()
					keep(ctx, c, first, next)
					_ = c.Close() // whatever the server thinks of it
				}
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		})
	}
	wg.Wait()
	return opened
}

// keep sends until the connection or ctx ends.
func keep(ctx context.Context, c net.Conn, first, next []byte) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, c) // until it is closed by either side
	}()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if _, err := c.Write(first); err != nil {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-gone:
			return
		case <-tick.C:
			if len(next) == 0 {
				continue
			}
			if _, err := c.Write(next); err != nil {
				return
			}
		}
	}
}

// exchange sends bytes and returns all that comes back until the server closes or the time is over.
func (v *victim) exchange(t *testing.T, from string, sent []byte, within time.Duration) []byte {
	t.Helper()
	c, err := v.dial(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // only read
	if err := c.SetDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	_, _ = c.Write(sent) // the server may have answered and closed before it has read all
	var got bytes.Buffer
	_, _ = io.Copy(&got, c) // what came is what counts
	return got.Bytes()
}
