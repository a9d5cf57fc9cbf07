package transport

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// addressKey is where the registry's library looks for this machine's address first.
const addressKey = "KITEX_IP_TO_REGISTRY"

// advertised is the address to write into the registry, or nil to let the library take the machine's first one. A process
// that listens on every address of several networks (containers) is known by the one that it reaches etcd from: whoever
// calls it is in the network of etcd too, and perhaps in no other.
func advertised(ctx context.Context, cfg Config) (net.Addr, error) {
	if cfg.Advertise != "" {
		addr, err := net.ResolveTCPAddr("tcp", cfg.Advertise)
		if err != nil {
			return nil, fmt.Errorf("advertised address: %w", err)
		}
		return addr, nil
	}
	host, service, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("rpc.listen: %w", err)
	}
	port, err := strconv.Atoi(service)
	if ip := net.ParseIP(host); err != nil || port == 0 || host != "" && (ip == nil || !ip.IsUnspecified()) || os.Getenv(addressKey) != "" {
		return nil, nil //nolint:nilnil,nilerr // the library knows better
	}
	ip, err := towards(ctx, cfg.Registry)
	if err != nil {
		return nil, fmt.Errorf("advertised address: %w", err)
	}
	if ip == nil || ip.IsLoopback() {
		return nil, nil //nolint:nilnil // etcd is on this machine, the callers need not be
	}
	return &net.TCPAddr{IP: ip, Port: port}, nil
}

// towards is this machine's address on the way to the first of the endpoints that has one. It sends nothing.
func towards(ctx context.Context, endpoints []string) (net.IP, error) {
	var d net.Dialer
	var first error
	for _, endpoint := range endpoints {
		if _, rest, ok := strings.Cut(endpoint, "://"); ok {
			endpoint = rest
		}
		conn, err := d.DialContext(ctx, "udp", endpoint)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		local, _ := conn.LocalAddr().(*net.UDPAddr)
		if err := conn.Close(); err != nil {
			return nil, err
		}
		if local != nil {
			return local.IP, nil
		}
	}
	return nil, first
}
