// Package rpc holds the service's clients of other services.
package rpc

import (
	"errors"

	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/transport"
)

// Peers are the services that the catalogue is filled from. All are needed.
type Peers struct {
	Users        userservice.Client
	Videos       videoservice.Client
	Interactions interactionservice.Client
	Social       socialservice.Client
}

// NewPeers makes one client per service. Nothing is connected yet.
func NewPeers(dial transport.Dial) (Peers, error) {
	var p Peers
	var errs [4]error
	p.Users, errs[0] = transport.NewClient(dial, "user", userservice.NewClient)
	p.Videos, errs[1] = transport.NewClient(dial, "video", videoservice.NewClient)
	p.Interactions, errs[2] = transport.NewClient(dial, "interaction", interactionservice.NewClient)
	p.Social, errs[3] = transport.NewClient(dial, "social", socialservice.NewClient)
	return p, errors.Join(errs[:]...)
}
