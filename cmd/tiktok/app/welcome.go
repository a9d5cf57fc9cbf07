package app

import (
	"fmt"
	"net"
	"strings"

	"tiktok/cmd/tiktok/app/demo"
)

// Welcome is what a person sees when the process is ready: where it is and how to log in.
func (a *App) Welcome() string {
	base := "http://" + reachable(a.Addr())
	var b strings.Builder
	fmt.Fprintf(&b, "\n  tiktok is ready at %s\n\n", base)
	fmt.Fprintf(&b, "    watch     %s/ in a browser\n", base)
	fmt.Fprintf(&b, "    API       %s/docs\n", base)
	if a.cfg.Demo.Enabled {
		fmt.Fprintf(&b, "    log in    curl -X POST '%s/douyin/user/login/?username=%s&password=%s'\n", base, demo.Users()[0], demo.Password)
	}
	if host, port, err := net.SplitHostPort(a.Addr()); err == nil && !loopback(host) {
		fmt.Fprintf(&b, "    phone     http://<this machine's address>:%s/\n", port)
	}
	fmt.Fprintf(&b, "    health    %s/readyz\n", base)
	if a.cfg.Demo.Enabled {
		fmt.Fprintf(&b, "\n    demo accounts: %s, password %s\n", strings.Join(demo.Users(), ", "), demo.Password)
		if a.cfg.Demo.Public {
			b.WriteString("    anybody who reaches this address may log in with them (demo.public)\n")
		} else {
			b.WriteString("    they log in from this machine and private networks only (--demo-public lifts that)\n")
		}
	}
	fmt.Fprintf(&b, "    data in %s; Ctrl-C stops\n\n", a.cfg.DataDir)
	return b.String()
}

// reachable replaces the "any" address by one that a browser on this machine can open.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// loopback tells whether an address of that host is reached from this machine only.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
