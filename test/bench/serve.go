package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

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

// serve takes a role until it is told to stop. known is false when args name none.
func serve(ctx context.Context, args []string) (known bool, err error) {
	switch {
	case len(args) == 5 && args[0] == serveHTTP:
		return true, serveBytes(ctx, args[1], args[2], args[3], args[4])
	case len(args) == 2 && args[0] == serveRPC:
		return true, serveEcho(ctx, args[1])
	}
	return false, nil
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
		server.WithMaxRequestBodySize(2*uploadBytes))
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
