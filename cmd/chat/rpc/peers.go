// Package rpc names the services that the chat service calls.
package rpc

import "tiktok/kitex_gen/user/userservice"

// Peers are the clients of the other services. All are needed.
type Peers struct {
	// Users knows which users exist.
	Users userservice.Client
}
