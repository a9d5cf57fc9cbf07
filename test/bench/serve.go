package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/hlog"
	"github.com/cloudwego/hertz/pkg/network/standard"
)

// Roles that this program takes in a process of its own, so that its processor time is told apart.
const (
	serveHTTP = "serve-http"
	serveRPC  = "serve-rpc"
)

// role is what args tell this process to do until ctx ends; false when that is none of the roles.
func role(args []string) (serve func(ctx context.Context) error, ok bool) {
	switch {
	case len(args) == 5 && args[0] == serveHTTP:
		return func(ctx context.Context) error { return serveBytes(ctx, args[1], args[2], args[3], args[4]) }, true
	case len(args) == 2 && args[0] == serveRPC:
		return func(ctx context.Context) error { return serveEcho(ctx, args[1]) }, true
	}
	return nil, false
}

// serveUntilStopped serves until a signal comes.
func serveUntilStopped(serve func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// serveBytes answers every request with the content of a file, by Hertz as the gateway uses it.
func serveBytes(ctx context.Context, addr, status, kind, file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		return fmt.Errorf("status: %w", err)
	}
	hlog.SetLevel(hlog.LevelError)
	h := server.New(server.WithHostPorts(addr), server.WithTransport(standard.NewTransporter), server.WithDisablePrintRoute(true),
		server.WithMaxRequestBodySize(2*publishBytes))
	h.Any("/*any", func(_ context.Context, c *app.RequestContext) {
		c.Response.Header.SetContentType(kind)
		c.SetStatusCode(code)
		c.Response.SetBodyRaw(body)
	})
	done := make(chan error, 1)
	go func() { done <- h.Run() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return h.Shutdown(context.WithoutCancel(ctx))
	}
}
