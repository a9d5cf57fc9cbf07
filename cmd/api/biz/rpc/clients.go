// Package rpc holds the gateway's clients of the five services.
package rpc

import (
	"errors"

	"github.com/cloudwego/kitex/client"

	"tiktok/kitex_gen/chat/chatservice"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/kitex_gen/video/videoservice"
)

// Clients are the services behind the gateway. All are needed.
type Clients struct {
	User        userservice.Client
	Video       videoservice.Client
	Interaction interactionservice.Client
	Social      socialservice.Client
	Chat        chatservice.Client
}

// NewClients makes one client per service, all with the same options, which say how a service is found by its name.
// Nothing is connected yet.
func NewClients(opts ...client.Option) (Clients, error) {
	var c Clients
	var errs [5]error
	c.User, errs[0] = userservice.NewClient("user", opts...)
	c.Video, errs[1] = videoservice.NewClient("video", opts...)
	c.Interaction, errs[2] = interactionservice.NewClient("interaction", opts...)
	c.Social, errs[3] = socialservice.NewClient("social", opts...)
	c.Chat, errs[4] = chatservice.NewClient("chat", opts...)
	return c, errors.Join(errs[:]...)
}
