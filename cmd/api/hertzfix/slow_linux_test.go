package hertzfix

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// slowPair is a connection whose transfers may stall for a short time only, and a client that takes little at once.
func slowPair(t *testing.T) (*Conn, net.Conn) {
	t.Helper()
	server, client, _ := pair(t)
	server.stall = 400 * time.Millisecond
	tcp, ok := client.(*net.TCPConn)
	if !ok {
		t.Fatalf("dialed a %T", client)
	}
	if err := tcp.SetReadBuffer(32 << 10); err != nil {
		t.Fatal(err)
	}
	return server, client
}

// bodies are what is served: files, and what comes from a remote store.
func bodies(t *testing.T, size int) map[string]func() io.Reader {
	t.Helper()
	path := filepath.Join(t.TempDir(), "video")
	content := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]func() io.Reader{
		"file": func() io.Reader {
			f, err := os.Open(path) //nolint:gosec // of this test
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			return f
		},
		"stream": func() io.Reader { return struct{ io.Reader }{bytes.NewReader(content)} },
	}
}

// Who reads slowly gets everything, although it takes longer than a transfer may stall, and although a MiB of it does.
func TestSlowReader(t *testing.T) {
	const size = 4 << 20
	for name, body := range bodies(t, size) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := slowPair(t)
			sent := make(chan error, 1)
			go func() {
				n, err := server.ReadFrom(io.LimitReader(body(), size))
				if err == nil && n != size {
					err = io.ErrShortWrite
				}
				sent <- errors.Join(err, server.CloseNow())
			}()
			tick := time.NewTicker(10 * time.Millisecond) // 1.6 MB/s: 650 ms for a MiB
			defer tick.Stop()
			got, buf := 0, make([]byte, 16<<10)
			for {
				<-tick.C
				n, err := io.ReadFull(client, buf)
				for i, b := range buf[:n] {
					if b != "0123456789abcdef"[(got+i)%16] {
						t.Fatalf("byte %d is %q", got+i, b)
					}
				}
				if got += n; err != nil {
					break
				}
			}
			if err := <-sent; err != nil || got != size {
				t.Errorf("read %d, sent with %v", got, err)
			}
		})
	}
}

// Who stops reading is cut off, and holds little of the kernel's memory until then.
func TestStoppedReader(t *testing.T) {
	const size, least = 64 << 20, 100 * time.Millisecond
	for name, body := range bodies(t, size) {
		server, _ := slowPair(t)
		begin := time.Now()
		n, err := server.ReadFrom(io.LimitReader(body(), size))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) < least {
			t.Errorf("%s: sent %d, %v after %v", name, n, err, time.Since(begin))
		}
		if n > 1<<20 {
			t.Errorf("%s: the kernel holds %d bytes", name, n)
		}
	}
}
