package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/server"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tiktok/kitex_gen/user"
	"tiktok/kitex_gen/user/userservice"
	"tiktok/pkg/errno"
	"tiktok/pkg/logx"
	"tiktok/pkg/telemetry"
	"tiktok/pkg/transport"
)

func TestMain(m *testing.M) {
	klog.SetLevel(klog.LevelFatal)
	if service := os.Getenv(memberKey); service != "" {
		if err := runMember(service); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// methods are those that tests call.
func methods(string) transport.Methods {
	return transport.Methods{
		"Register":      {Kind: transport.Write},
		"UpdateProfile": {Kind: transport.RepeatableWrite},
		"FindUser":      {Kind: transport.Read},
	}
}

// users answers by name so that a test chooses what happens.
type users struct {
	user.UserService
	// released tells why the context of a handler ended that was asked for "deadline".
	released chan error
	// entered and leave hold a handler that was asked for "waits".
	entered, leave chan struct{}
}

// away is what a store that is not reached answers.
type away struct{ error }

func (away) Unavailable() bool { return true }

func (u *users) Register(ctx context.Context, req *user.RegisterRequest) (*user.RegisterResponse, error) {
	switch req.Username {
	case "taken":
		return nil, fmt.Errorf("register %q: %w", req.Username, errno.UserNameTaken)
	case "broken":
		return nil, errors.New("select from secret_table: dial tcp 10.0.0.1")
	case "away":
		return nil, fmt.Errorf("read 7: %w", away{errors.New("dial tcp 10.0.0.1: refused")})
	case "panics":
		panic("boom")
	case "slow":
		<-ctx.Done()
		return nil, ctx.Err()
	case "deadline":
		if at, ok := ctx.Deadline(); !ok || time.Until(at) > time.Second {
			return nil, fmt.Errorf("deadline %v, %v", at, ok)
		}
		context.AfterFunc(ctx, func() { u.released <- ctx.Err() })
	case "waits":
		close(u.entered)
		<-u.leave
	case "nap":
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	case "request id":
		if logx.RequestID(ctx) != "rid-7" {
			return nil, errors.New("no request id")
		}
	}
	return &user.RegisterResponse{UserId: 7}, nil
}

type open func(t *testing.T, tel *telemetry.Telemetry) userservice.Client

func local(opts ...client.Option) open {
	return func(t *testing.T, tel *telemetry.Telemetry) userservice.Client {
		opt, err := transport.Local("api", userservice.NewServer(&users{}, transport.ServerOptions("user", tel)...))
		if err != nil {
			t.Fatal(err)
		}
		c, err := userservice.NewClient("user", append(opts, opt, transport.Outcomes(methods("user")))...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// remote starts a server that registers in etcd and a client that finds it there.
func remote(t *testing.T, tel *telemetry.Telemetry) userservice.Client {
	t.Helper()
	return serve(t, tel, &users{}, settings(t))
}

// mutual is remote with mutual TLS.
func mutual(t *testing.T, tel *telemetry.Telemetry) userservice.Client {
	t.Helper()
	return serve(t, tel, &users{}, newAuthority(t).settings(t))
}

// deployment is a service of a test's own, and how it and its caller, api, are to be set up.
type deployment struct {
	name           string
	server, client transport.Config
}

func settings(t testing.TB) deployment {
	t.Helper()
	endpoint := os.Getenv("TIKTOK_TEST_ETCD")
	if endpoint == "" {
		t.Skip("TIKTOK_TEST_ETCD is not set")
	}
	cfg := transport.Config{Registry: []string{endpoint}, RegistryPrefix: "transport-test", Listen: "127.0.0.1:0", Timeout: time.Second}
	cfg.BackupAfter = 500 * time.Millisecond
	return deployment{name: fmt.Sprintf("transport-test-%d", time.Now().UnixNano()), server: cfg, client: cfg}
}

func serve(t testing.TB, tel *telemetry.Telemetry, handler *users, d deployment) userservice.Client {
	t.Helper()
	d.listen(t, tel, handler)
	return d.find(t, d.dial(t, "api", tel))
}

// listen starts the server; stop waits for its end, which the end of the test brings too.
func (d deployment) listen(t testing.TB, tel *telemetry.Telemetry, handler *users, more ...server.Option) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	opts, _, err := transport.ListenOptions(ctx, d.server, tel)
	if err != nil {
		t.Fatal(err)
	}
	srv := userservice.NewServer(handler, slices.Concat(transport.ServerOptions(d.name, tel), more, opts)...)
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Run() }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// dial makes a client.
func (d deployment) dial(t testing.TB, caller string, tel *telemetry.Telemetry) userservice.Client {
	t.Helper()
	remote, err := transport.NewRemote(caller, d.client, methods, tel)
	if err != nil {
		t.Fatal(err)
	}
	opts, err := remote.Dial(d.name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := userservice.NewClient(d.name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// find waits until the client finds the server in etcd.
func (d deployment) find(t testing.TB, c userservice.Client) userservice.Client {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		_, err := c.Register(t.Context(), &user.RegisterRequest{})
		if err == nil {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server was not found in etcd: %v", err)
		}
	}
}

func TestCalls(t *testing.T) {
	for name, open := range map[string]open{
		"local": local(), "local strict": local(transport.Strict()), "remote": remote,
		"mutual TLS": mutual,
	} {
		t.Run(name, func(t *testing.T) {
			tel := telemetry.Discard()
			c := open(t, tel)
			ctx := logx.WithRequestID(t.Context(), "rid-7")
			r, err := c.Register(ctx, &user.RegisterRequest{Username: "request id"})
			if err != nil || r.UserId != 7 {
				t.Fatalf("answer %v, %v", r, err)
			}
			if _, err := c.Register(ctx, &user.RegisterRequest{Username: strings.Repeat("x", 1<<20)}); err != nil {
				t.Errorf("a large request: %v", err)
			}
			for username, want := range map[string]*errno.Error{
				"taken": errno.UserNameTaken, "away": errno.Unavailable, "broken": errno.Internal,
				"panics": errno.Internal,
			} {
				_, err := c.Register(ctx, &user.RegisterRequest{Username: username})
				if got := errno.From(err); !errors.Is(got, want) || got.Msg != want.Msg {
					t.Errorf("%s: got %v (from %v), want %v", username, got, err, want)
				}
			}
			sctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			if _, err := c.Register(sctx, &user.RegisterRequest{Username: "slow"}); !errors.Is(errno.From(err), errno.OutcomeUnknown) {
				t.Errorf("slow: got %v", err)
			}
			if n, err := testutil.GatherAndCount(tel.Registry, "tiktok_rpc_requests_total"); err != nil || n < 3 {
				t.Errorf("%d series counted, %v", n, err)
			}
		})
	}
}

// A handler knows the caller's deadline, and nothing of a call that was answered is kept until then.
func TestDeadlineIsReleased(t *testing.T) {
	for name, d := range map[string]deployment{"plain": settings(t), "mutual TLS": newAuthority(t).settings(t)} {
		t.Run(name, func(t *testing.T) {
			handler := &users{released: make(chan error, 1)}
			c := serve(t, telemetry.Discard(), handler, d)
			if _, err := c.Register(t.Context(), &user.RegisterRequest{Username: "deadline"}); err != nil {
				t.Fatal(err)
			}
			if err := <-handler.released; !errors.Is(err, context.Canceled) {
				t.Errorf("the handler's context ended with %v", err)
			}
		})
	}
}

func TestStrictRefusesWhatCannotCrossTheWire(t *testing.T) {
	c := local(transport.Strict())(t, telemetry.Discard())
	req := &user.RegisterRequest{Username: "x"}
	r1, err := c.Register(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	r2, err := c.Register(t.Context(), req)
	if err != nil || r1 == r2 {
		t.Fatalf("answers are shared: %v", err)
	}
}

// Kitex registers a second after it has begun to listen. A server that is stopped before has nothing to leave.
func TestStopBeforeRegistration(t *testing.T) {
	endpoint := os.Getenv("TIKTOK_TEST_ETCD")
	if endpoint == "" {
		t.Skip("TIKTOK_TEST_ETCD is not set")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cfg := transport.Config{
		Registry:       []string{endpoint},
		RegistryPrefix: "transport-test",
		Listen:         "127.0.0.1:0",
		Timeout:        time.Second,
		Drain:          time.Minute,
	}
	opts, _, err := transport.ListenOptions(ctx, cfg, telemetry.Discard())
	if err != nil {
		t.Fatal(err)
	}
	srv := userservice.NewServer(&users{}, append(transport.ServerOptions("stopped-early", telemetry.Discard()), opts...)...)
	cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Run() }()
	select {
	case err := <-stopped:
		if err != nil {
			t.Errorf("server: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits for callers that it never had")
	}
}

func TestTakenAddressIsAClearError(t *testing.T) {
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	_, _, err = transport.ListenOptions(t.Context(), transport.Config{Listen: ln.Addr().String()}, telemetry.Discard())
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}
