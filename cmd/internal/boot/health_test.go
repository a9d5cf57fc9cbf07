package boot

import (
	"context"
	"errors"
	"net"
	"testing"

	"tiktok/config"
)

// A process that accepts and never answers is not well, and the question ends.
func TestHealthcheckOfAHangingProcess(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	cfg := config.Default()
	cfg.Gateway.Addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- Probe(ctx, cfg, "/healthz") }()
	if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
