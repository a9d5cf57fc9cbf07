package app

import (
	"fmt"
	"net"
	"strings"
)

// Welcome is what a person sees when the process is ready: where it is and how to log in.
func (a *App) Welcome() string {
	base := "http://" + reachable(a.Addr())
	var b strings.Builder
	fmt.Fprintf(&b, "\n  tiktok is ready at %s\n\n", base)
	fmt.Fprintf(&b, "    feed      %s/douyin/feed/\n", base)
	if a.cfg.Demo.Enabled {
		fmt.Fprintf(&b, "    log in    curl -X POST '%s/douyin/user/login/?username=%s&password=%s'\n", base, demoUsers()[0], demoPassword)
	}
	fmt.Fprintf(&b, "    phone     http://<this machine's address>:%s/\n", port(a.Addr()))
	fmt.Fprintf(&b, "    health    %s/readyz\n", base)
	if a.cfg.Demo.Enabled {
		fmt.Fprintf(&b, "\n    demo accounts: %s, password %s\n", strings.Join(demoUsers(), ", "), demoPassword)
		if a.cfg.Demo.Public {
			b.WriteString("    anybody who reaches this address may log in with them (demo.public)\n")
		} else {
			b.WriteString("    they log in from this machine and private networks only (-demo-public lifts that)\n")
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

func port(addr string) string {
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	return p
}
