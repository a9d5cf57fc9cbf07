package transport

import (
	"fmt"

	"github.com/cloudwego/kitex/client"
)

// Dial returns the options by which a client reaches the service of that name: Local's in one process, else RemoteOptions.
type Dial func(service string) ([]client.Option, error)

// NewClient makes a client of a service with newClient, which is the generated one. Nothing is connected yet.
func NewClient[C any](dial Dial, service string, newClient func(string, ...client.Option) (C, error)) (C, error) {
	var none C
	opts, err := dial(service)
	if err != nil {
		return none, fmt.Errorf("client of %s: %w", service, err)
	}
	return newClient(service, opts...)
}
