package service

import (
	"context"
	"fmt"

	"tiktok/cmd/notice/dal/db"
	"tiktok/cmd/notice/rpc"
	"tiktok/cmd/notice/webpush"
	"tiktok/config"
	"tiktok/kitex_gen/notice"
	"tiktok/pkg/errno"
	"tiktok/pkg/id"
	"tiktok/pkg/telemetry"
	push "tiktok/pkg/webpush"
)

// openBrowsers makes what pushes to browsers, and what has to be closed after it. Without a key it is switched off.
func openBrowsers(
	cfg config.Config, store *db.Store, ids *id.Generator, peers rpc.Peers, tel *telemetry.Telemetry,
) (*webpush.Pusher, func() error, error) {
	d := webpush.Deps{Store: store, Users: peers.Users, IDs: ids, Tel: tel, Pause: cfg.Push.Pause, SessionTTL: cfg.Auth.TokenTTL}
	closeSender := func() error { return nil }
	if cfg.Push.PrivateKey != "" {
		sender, err := push.New(cfg.Push)
		if err != nil {
			return nil, nil, fmt.Errorf("notice: %w", err)
		}
		d.Sender, closeSender = sender, sender.Close
	}
	return webpush.New(d), closeSender, nil
}

// GetPushKey answers what a browser needs to subscribe.
func (s *Service) GetPushKey(context.Context, *notice.GetPushKeyRequest) (*notice.GetPushKeyResponse, error) {
	return &notice.GetPushKeyResponse{PublicKey: s.browsers.PublicKey()}, nil
}

// Subscribe adds a browser, or finds it by its endpoint.
func (s *Service) Subscribe(ctx context.Context, req *notice.SubscribeRequest) (*notice.SubscribeResponse, error) {
	if req.Subscription == nil {
		return nil, errno.InvalidArgument.With("the subscription is missing")
	}
	sub := push.Subscription{Endpoint: req.Subscription.Endpoint, P256dh: req.Subscription.P256dh, Auth: req.Subscription.Auth}
	stored, err := s.browsers.Subscribe(ctx, req.UserId, req.SessionId, sub)
	if err != nil {
		return nil, err
	}
	return &notice.SubscribeResponse{SubscriptionId: stored}, nil
}

// Unsubscribe removes a browser.
func (s *Service) Unsubscribe(ctx context.Context, req *notice.UnsubscribeRequest) (*notice.UnsubscribeResponse, error) {
	if req.UserId <= 0 || req.SubscriptionId <= 0 {
		return nil, errno.InvalidArgument.With("user id or subscription id is missing")
	}
	if err := s.store.Unsubscribe(ctx, req.UserId, req.SubscriptionId); err != nil {
		return nil, err
	}
	return &notice.UnsubscribeResponse{}, nil
}

// tellBrowsers pushes what was added to notices, and messages. Nothing waits for it.
func (s *Service) tellBrowsers(added []db.Change, w work) {
	told := w.messages
	for _, c := range added {
		told = append(told, webpush.Event{UserID: c.UserID, Kind: webpush.KindOf(c.Kind), ActorID: c.ActorID, VideoID: c.VideoID})
	}
	s.browsers.Tell(told)
	for _, userID := range w.read {
		s.browsers.Forget(userID, webpush.Message)
	}
}
