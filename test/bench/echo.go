package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/server"
	kitextransport "github.com/cloudwego/kitex/transport"

	"tiktok/kitex_gen/chat"
	"tiktok/kitex_gen/chat/chatservice"
	"tiktok/kitex_gen/common"
	"tiktok/kitex_gen/interaction"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/kitex_gen/video"
	"tiktok/kitex_gen/video/videoservice"
)

// pageLimit is the entries that the gateway asks for when a list has no pages.
const pageLimit = common.MAX_BATCH

// echoClients call the process that answers from memory.
type echoClients struct {
	video       videoservice.Client
	user        userservice.Client
	interaction interactionservice.Client
	chat        chatservice.Client
}

// echo is one call whose answer is what the product's own call has: a page.
type echo func(ctx context.Context, c echoClients) error

func echoFeed(ctx context.Context, c echoClients) error {
	r, err := c.video.Feed(ctx, &video.FeedRequest{Limit: feedSize})
	if err == nil && len(r.Videos) != feedSize {
		err = fmt.Errorf("%d videos came back", len(r.Videos))
	}
	return err
}

func echoUsers(ctx context.Context, c echoClients) error {
	ids := make([]int64, feedSize)
	for i := range ids {
		ids[i] = userID(i)
	}
	r, err := c.user.MGetUsers(ctx, &user.MGetUsersRequest{UserIds: ids})
	if err == nil && len(r.Users) != len(ids) {
		err = fmt.Errorf("%d users came back", len(r.Users))
	}
	return err
}

func echoUser(ctx context.Context, c echoClients) error {
	_, err := c.user.MGetUsers(ctx, &user.MGetUsersRequest{UserIds: []int64{userID(0)}})
	return err
}

func echoComments(ctx context.Context, c echoClients) error {
	r, err := c.interaction.ListComments(ctx, &interaction.ListCommentsRequest{VideoId: videoID(0), Page: &common.Page{Limit: pageLimit}})
	if err == nil && len(r.Comments) != pageComments {
		err = fmt.Errorf("%d comments came back", len(r.Comments))
	}
	return err
}

func echoPoll(ctx context.Context, c echoClients) error {
	_, err := c.chat.ListMessages(ctx, &chat.ListMessagesRequest{UserId: userID(0), PeerId: userID(1), AfterMs: 1, FromPeerOnly: true, Limit: pageLimit})
	return err
}

// Services that answer one method from memory; the others are never called.
type (
	echoVideos struct {
		video.VideoService
		page *video.FeedResponse
	}
	echoOfUsers struct {
		user.UserService
		all map[int64]*user.User
	}
	echoOfComments struct {
		interaction.InteractionService
		page *interaction.ListCommentsResponse
	}
	echoOfChats struct{ chat.ChatService }
)

func (e echoVideos) Feed(context.Context, *video.FeedRequest) (*video.FeedResponse, error) {
	return e.page, nil
}

func (e echoOfUsers) MGetUsers(_ context.Context, r *user.MGetUsersRequest) (*user.MGetUsersResponse, error) {
	found := make(map[int64]*user.User, len(r.UserIds))
	for _, id := range r.UserIds {
		found[id] = e.all[id]
	}
	return &user.MGetUsersResponse{Users: found}, nil
}

func (e echoOfComments) ListComments(context.Context, *interaction.ListCommentsRequest) (*interaction.ListCommentsResponse, error) {
	return e.page, nil
}

func (echoOfChats) ListMessages(context.Context, *chat.ListMessagesRequest) (*chat.ListMessagesResponse, error) {
	return &chat.ListMessagesResponse{}, nil
}

// serveEcho listens until ctx ends.
func serveEcho(ctx context.Context, addr string) error {
	videos, users := &echoVideos{page: &video.FeedResponse{NextBeforeMs: 1}}, &echoOfUsers{all: map[int64]*user.User{}}
	comments := &echoOfComments{page: &interaction.ListCommentsResponse{}}
	for i := range feedSize {
		users.all[userID(i)] = &user.User{Id: userID(i), Name: fmt.Sprint(marked, i), Signature: "one of many", CreatedAtMs: day(0).UnixMilli()}
		videos.page.Videos = append(videos.page.Videos, &video.Video{
			Id: videoID(i), AuthorId: userID(i), Title: fmt.Sprint("bench ", i), PlayKey: playKey, CoverKey: coverKey,
			PublishedAtMs: day(1).UnixMilli(), DurationMs: 4000, SizeBytes: publishBytes, WidthPx: 360, HeightPx: 640,
		})
	}
	for i := range pageComments {
		comments.page.Comments = append(comments.page.Comments, &interaction.Comment{
			Id: videoID(i), VideoId: videoID(0), UserId: userID(i), Content: commentText, CreatedAtMs: day(1).UnixMilli(),
		})
	}
	listen, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return err
	}
	s := server.NewServer(server.WithServiceAddr(listen), server.WithMetaHandler(transmeta.ServerTTHeaderHandler),
		server.WithServerBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: "echo"}))
	err = errors.Join(videoservice.RegisterService(s, videos), userservice.RegisterService(s, users),
		interactionservice.RegisterService(s, comments), chatservice.RegisterService(s, &echoOfChats{}))
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- s.Run() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return s.Stop()
	}
}

// floorOfRPC makes one call with the answer's main message to a process that answers from memory. Both ends count.
func (s *session) floorOfRPC(ctx context.Context, call echo) (f floor, err error) {
	addr := s.dep.at(floorPort)
	proc, err := s.dep.helper(ctx, []string{serveRPC, addr}, addr)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, proc.stop()) }()
	opts := []client.Option{
		client.WithHostPorts(addr), client.WithTransportProtocol(kitextransport.TTHeader), client.WithMetaHandler(transmeta.ClientTTHeaderHandler),
		client.WithLongConnection(connpool.IdleConfig{MaxIdlePerAddress: readers, MaxIdleGlobal: readers}), client.WithRPCTimeout(drainTime),
	}
	var c echoClients
	var errs [4]error
	c.video, errs[0] = videoservice.NewClient("echo", opts...)
	c.user, errs[1] = userservice.NewClient("echo", opts...)
	c.interaction, errs[2] = interactionservice.NewClient("echo", opts...)
	c.chat, errs[3] = chatservice.NewClient("echo", opts...)
	if err := errors.Join(errs[:]...); err != nil {
		return f, err
	}
	pids := map[string]int{generatorName: os.Getpid(), floorRPC: proc.pid()}
	return s.repeat(ctx, floorRPC, readers, pids, func(ctx context.Context, _ uint64) error { return call(ctx, c) })
}
