package render

import (
	"maps"
	"net"
	"slices"

	"tiktok/cmd/services"
	"tiktok/config"
)

// Services is the list of services as deployment files need it.
func Services() List {
	var list List
	for _, s := range services.All() {
		addr := s.RPCAddr
		if s.Uses.Gateway {
			addr = config.Default().Gateway.Addr
		}
		list = append(list, Service{
			Name: s.Name, Port: port(addr), Admin: port(s.AdminAddr), Gateway: s.Uses.Gateway, Queue: s.Uses.Queue, Media: s.Uses.Media,
			Push: s.Uses.Push, Index: s.Uses.Index, CalledBy: callers(s),
		})
	}
	return list
}

// port is the port of an address; "" when it is none.
func port(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	return port
}

// callers are the services that may call a method of s, in start order.
func callers(s services.Spec) []string {
	var names []string
	for _, name := range services.Names() {
		for method := range maps.Values(s.Methods) {
			if slices.Contains(method.Callers, name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
