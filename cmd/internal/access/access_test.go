package access_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/cloudwego/kitex/pkg/serviceinfo"

	"tiktok/cmd/internal/access"
	"tiktok/config"
	"tiktok/kitex_gen/chat/chatservice"
	"tiktok/kitex_gen/interaction/interactionservice"
	"tiktok/kitex_gen/social/socialservice"
	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/kitex_gen/video/videoservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

func TestEveryMethodHasCallers(t *testing.T) {
	services := map[string]*serviceinfo.ServiceInfo{
		"user": userservice.NewServiceInfo(), "video": videoservice.NewServiceInfo(), "interaction": interactionservice.NewServiceInfo(),
		"social": socialservice.NewServiceInfo(), "chat": chatservice.NewServiceInfo(),
	}
	if len(services) != len(config.Services())-1 { // the gateway has no methods
		t.Fatal("a service is missing here")
	}
	for name, info := range services {
		rules := access.Rules(name)
		for method := range info.Methods {
			if len(rules[method]) == 0 {
				t.Errorf("%s.%s: nobody may call it", name, method)
			}
		}
		for method, callers := range rules {
			if _, ok := info.Methods[method]; !ok {
				t.Errorf("%s has no method %s", name, method)
			}
			for _, c := range callers {
				if !slices.Contains(config.Services(), c) || c == name {
					t.Errorf("%s.%s: %q cannot be a caller", name, method, c)
				}
			}
		}
	}
	if access.Rules("api") != nil {
		t.Error("the gateway has no methods")
	}
}

type users struct{ user.UserService }

func (*users) Login(context.Context, *user.LoginRequest) (*user.LoginResponse, error) {
	return &user.LoginResponse{UserId: 7}, nil
}

// The rules hold within one process too.
func TestOthersAreRefused(t *testing.T) {
	tel := telemetry.Discard()
	for caller, want := range map[string]*errno.Error{"api": nil, "chat": errno.CallRefused, "user": errno.CallRefused} {
		local, err := transport.Local(caller, userservice.NewServer(&users{}, access.ServerOptions("user", tel)...))
		if err != nil {
			t.Fatal(err)
		}
		c, err := userservice.NewClient("user", local)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Login(t.Context(), &user.LoginRequest{Username: "alice", Password: "secret"})
		if want == nil && err != nil || want != nil && !errors.Is(errno.From(err), want) {
			t.Errorf("Login called by %q: %v", caller, err)
		}
	}
}
