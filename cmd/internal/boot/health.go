package boot

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"tiktok/config"
)

// probeTimeout bounds one question; /readyz itself takes at most two seconds.
const probeTimeout = 3 * time.Second

// maxProbeBody is how much of an answer is shown.
const maxProbeBody = 1 << 10

// Probe asks the process that runs with these settings on this machine for /healthz or /readyz: at its admin address, or at
// the public one of an all-in-one without. An error says that it is not well.
func Probe(ctx context.Context, cfg config.Config, path string) error {
	addr := cfg.Telemetry.AdminAddr
	if addr == "" {
		addr = cfg.Gateway.Addr
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(addr)+path, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(res.Body, maxProbeBody))
		if err != nil {
			return err
		}
		return fmt.Errorf("%s: HTTP status %d: %s", path, res.StatusCode, body)
	}
	return nil
}

// reachable is where a listener on addr is reached from the same machine.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return net.JoinHostPort(host, port)
}
