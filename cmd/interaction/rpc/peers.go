// Package rpc names the services that this one calls.
package rpc

import "tiktok/kitex_gen/video/videoservice"

// Peers are the clients of those services.
type Peers struct {
	// Videos tells whether a video exists and who its author is.
	Videos videoservice.Client
}
