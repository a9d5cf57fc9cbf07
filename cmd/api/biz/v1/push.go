package v1

import (
	"context"

	"tiktok/cmd/api/biz/call"
	model "tiktok/cmd/api/biz/model/v1"
	"tiktok/kitex_gen/notice"
)

// GetPushKey is the key that a browser needs to subscribe.
func (a *API) GetPushKey(ctx context.Context, _ *call.Call) (any, error) {
	r, err := a.shared.Clients.Notice.GetPushKey(ctx, &notice.GetPushKeyRequest{})
	if err != nil {
		return nil, err
	}
	return &model.PushKey{PublicKey: r.PublicKey}, nil
}

// Subscribe adds the viewer's browser to those that are told while no page is open. It ends with the session.
func (a *API) Subscribe(ctx context.Context, in *call.Call) (any, error) {
	var req model.PushSubscriptionRequest
	if err := body(in, &req); err != nil {
		return nil, err
	}
	for _, field := range []struct{ name, value string }{{"endpoint", req.Endpoint}, {"p256dh", req.P256dh}, {"auth", req.Auth}} {
		if field.value == "" {
			return nil, missing(field.name)
		}
	}
	r, err := a.shared.Clients.Notice.Subscribe(ctx, &notice.SubscribeRequest{
		UserId: in.Viewer, SessionId: in.Session,
		Subscription: &notice.Subscription{Endpoint: req.Endpoint, P256dh: req.P256dh, Auth: req.Auth},
	})
	if err != nil {
		return nil, err
	}
	return &model.PushSubscription{ID: r.SubscriptionId}, nil
}

// Unsubscribe removes one of the viewer's browsers.
func (a *API) Unsubscribe(ctx context.Context, in *call.Call) (any, error) {
	id, err := pathID(in, "subscription_id")
	if err != nil {
		return nil, err
	}
	_, err = a.shared.Clients.Notice.Unsubscribe(ctx, &notice.UnsubscribeRequest{UserId: in.Viewer, SubscriptionId: id})
	return nil, err
}
