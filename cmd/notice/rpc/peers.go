// Package rpc names the services that the notice service calls.
package rpc

import "tiktok/kitex_gen/user/userservice"

// Peers are the clients of the other services. All are needed.
type Peers struct {
	// Users knows which sessions have ended.
	Users userservice.Client
}
