// Package rpc holds the gateway's clients of the seven services.
package rpc

import (
	"errors"

	"tiktok/kitex_gen/chat/chatservice"
	"tiktok/kitex_gen/discovery/discoveryservice"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/notice/noticeservice"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/transport"
)

// Clients are the services behind the gateway. All are needed.
type Clients struct {
	User        userservice.Client
	Video       videoservice.Client
	Interaction interactionservice.Client
	Social      socialservice.Client
	Chat        chatservice.Client
	Notice      noticeservice.Client
	Discovery   discoveryservice.Client
}

// NewClients makes one client per service. Nothing is connected yet.
func NewClients(dial transport.Dial) (Clients, error) {
	var c Clients
	var errs [7]error
	c.User, errs[0] = transport.NewClient(dial, "user", userservice.NewClient)
	c.Video, errs[1] = transport.NewClient(dial, "video", videoservice.NewClient)
	c.Interaction, errs[2] = transport.NewClient(dial, "interaction", interactionservice.NewClient)
	c.Social, errs[3] = transport.NewClient(dial, "social", socialservice.NewClient)
	c.Chat, errs[4] = transport.NewClient(dial, "chat", chatservice.NewClient)
	c.Notice, errs[5] = transport.NewClient(dial, "notice", noticeservice.NewClient)
	c.Discovery, errs[6] = transport.NewClient(dial, "discovery", discoveryservice.NewClient)
	return c, errors.Join(errs[:]...)
}
