package services

import (
	"context"

	"github.com/cloudwego/kitex/server"

	"tiktok/pkg/telemetry"
)

// opened is what every service is.
type opened interface {
	Run(ctx context.Context) error
	Close() error
	Ready(ctx context.Context) error
}

// part is an opened service with one check, of its name.
func part(name string, s opened, newServer func(opts ...server.Option) server.Server) Part {
	return Part{Run: s.Run, Close: s.Close, NewServer: newServer, Checks: []telemetry.Check{{Name: name, Ready: s.Ready}}}
}
