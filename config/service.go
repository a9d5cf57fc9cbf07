package config

// Services are the processes of the distributed deployment in start order.
func Services() []string { return []string{"user", "video", "interaction", "social", "chat", "api"} }

// Ports a process listens on by default, on loopback: RPC (the gateway has its public address instead) and admin.
type servicePorts struct{ rpc, admin string }

func portsOf(service string) servicePorts {
	switch service {
	case "api":
		return servicePorts{admin: "127.0.0.1:10101"}
	case "user":
		return servicePorts{rpc: "127.0.0.1:10002", admin: "127.0.0.1:10102"}
	case "video":
		return servicePorts{rpc: "127.0.0.1:10003", admin: "127.0.0.1:10103"}
	case "interaction":
		return servicePorts{rpc: "127.0.0.1:10004", admin: "127.0.0.1:10104"}
	case "social":
		return servicePorts{rpc: "127.0.0.1:10005", admin: "127.0.0.1:10105"}
	case "chat":
		return servicePorts{rpc: "127.0.0.1:10006", admin: "127.0.0.1:10106"}
	}
	return servicePorts{}
}

// SeesTokens reports whether a process may sign or check tokens: the five services never do.
func SeesTokens(service string) bool { return portsOf(service).rpc == "" }

// ForService fills in the default addresses of one process of the distributed deployment.
func (c Config) ForService(service string) Config {
	p := portsOf(service)
	if c.RPC.Listen == "" {
		c.RPC.Listen = p.rpc
	}
	if c.Telemetry.AdminAddr == "" {
		c.Telemetry.AdminAddr = p.admin
	}
	return c
}
