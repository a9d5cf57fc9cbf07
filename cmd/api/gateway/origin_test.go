package gateway_test

import (
	"strings"
	"sync"
	"testing"

	"tiktok/cmd/api/biz/handler"
	"tiktok/cmd/api/gateway"
	"tiktok/config"
	"tiktok/pkg/errno"
	"tiktok/pkg/limiter"
	"tiktok/pkg/telemetry"
)

// With a number of proxies the client is who stands at that place from the end, and an invented beginning changes nothing.
func TestProxyHops(t *testing.T) {
	for hops, tries := range map[int][]struct {
		chain string
		ok    bool
	}{
		1: {{"1.1.1.1", true}, {"9.9.9.9, 1.1.1.1", false}, {"1.1.1.1, 2.2.2.2", true}, {"rubbish", true}, {"", false}, {"2.2.2.2,", false}},
		2: {
			{"1.1.1.1, 5.5.5.5", true},
			{"9.9.9.9, 1.1.1.1, 6.6.6.6", false},
			{"3.3.3.3", true},
			{"4.4.4.4", false},
			{strings.Repeat("7.7.7.7,", 1000) + "8.8.8.8, 5.5.5.5", true},
		},
	} {
		e := start(t, &fakes{}, func(d *gateway.Deps) {
			d.Limits.RegisterAddr, d.Config.ProxyHops = limiter.Rule{Rate: 0.001, Burst: 1}, hops
		})
		for i, try := range tries {
			a := e.do(
				request{
					method: "POST",
					path:   "/douyin/user/register/",
					query:  values("username", "a", "password", "b"),
					header: map[string]string{"X-Forwarded-For": try.chain},
				},
			)
			want := int32(0)
			if !try.ok {
				want = errno.TooManyRequests.Code
			}
			if a.code() != int(want) {
				t.Errorf("%d hops, %d. %.40q: %s", hops, i, try.chain, a.body)
			}
		}
	}
}

// A chain of a thousand trusted addresses is not followed.
func TestLongChain(t *testing.T) {
	e := start(t, &fakes{}, trust("127.0.0.0/8"), func(d *gateway.Deps) { d.Limits.RegisterAddr = limiter.Rule{Rate: 0.001, Burst: 1} })
	for i, want := range []int32{0, errno.TooManyRequests.Code} {
		chain := "1.1.1." + string(rune('1'+i)) + strings.Repeat(",127.0.0.1", 1000)
		a := e.do(
			request{
				method: "POST",
				path:   "/douyin/user/register/",
				query:  values("username", "a", "password", "b"),
				header: map[string]string{"X-Forwarded-For": chain},
			},
		)
		wantCode(t, a, want)
	}
}

// Whatever a header says, and whomever the gateway believes: metrics and what /readyz tells about the machine are for who is on it.
func TestOnlyForThisMachine(t *testing.T) {
	for name, change := range map[string]func(*gateway.Deps){
		"nobody is trusted":   func(*gateway.Deps) {},
		"loopback is trusted": trust("127.0.0.0/8"),
		"one hop":             func(d *gateway.Deps) { d.Config.ProxyHops = 1 },
	} {
		e := start(t, &fakes{}, change)
		if a := e.get("/metrics"); a.StatusCode != 200 {
			t.Errorf("%s: metrics on this machine: %d", name, a.StatusCode)
		}
		if a := e.get("/readyz"); a.json["media_tools"] == nil {
			t.Errorf("%s: readyz on this machine: %s", name, a.body)
		}
		for key, value := range map[string]string{
			"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "X-Real-IP": "127.0.0.1", "Via": "1.1 proxy", "X-Forwarded-Proto": "https",
		} {
			h := map[string]string{key: value}
			if a := e.do(request{method: "GET", path: "/metrics", header: h}); a.StatusCode != 403 {
				t.Errorf("%s: metrics with %s: %d", name, key, a.StatusCode)
			}
			a := e.do(request{method: "GET", path: "/readyz", header: h})
			if a.StatusCode != 200 || a.json["user"] != "ok" || a.json["media_tools"] != nil || strings.Contains(string(a.body), "ffmpeg") {
				t.Errorf("%s: readyz with %s: %d %s", name, key, a.StatusCode, a.body)
			}
		}
	}
}

// However many ask for /readyz, the services are asked about once a second, and a stranger may not ask for ever.
func TestReadyIsCheap(t *testing.T) {
	e := start(t, &fakes{})
	ask := func(from string) int {
		return e.do(request{method: "GET", path: "/readyz", header: map[string]string{"X-Forwarded-For": from}}).StatusCode
	}
	codes := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				code := ask("1.1.1.1")
				mu.Lock()
				codes[code]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if codes[200] < 20 || codes[429] < 100 || codes[200]+codes[429] != 200 {
		t.Errorf("answers: %v", codes)
	}
	for range 100 {
		if a := e.get("/readyz"); a.StatusCode != 200 { // this machine may
			t.Fatalf("readyz here: %d", a.StatusCode)
		}
	}
	if n := e.calls.Load(); n > 5*5 {
		t.Errorf("300 questions made %d calls", n)
	}
}

func TestOpenChecksProxies(t *testing.T) {
	cfg := config.Default()
	cfg.Gateway.TrustedProxies = []string{"10.0.0.0/8"}
	cfg.Gateway.Addr, cfg.Auth.SecretFile = "127.0.0.1:0", t.TempDir()+"/secret"
	if _, err := gateway.Open(t.Context(), cfg, telemetry.Discard(), (&fakes{}).clients(t), noHints(), handler.Demo{}); err == nil {
		t.Error("all of 10.0.0.0/8 is trusted")
	}
}

// An answer of the API is kept by nobody, and whoever keeps it all the same is told what it depends on.
func TestNobodyKeepsAnswers(t *testing.T) {
	fromHost := start(t, thirty())
	fixed := start(t, thirty(), func(d *gateway.Deps) { d.Config.PublicBaseURL = "https://v.example.com" })
	for _, r := range []request{
		{method: "GET", path: "/douyin/feed/"},
		{method: "GET", path: "/douyin/user/", query: values("user_id", "3")},
		{method: "POST", path: "/douyin/user/login/"},
		{method: "GET", path: "/douyin/nothing"},
	} {
		for _, origin := range []string{"", "https://web.example"} {
			r.header = map[string]string{"Origin": origin}
			a, b := fromHost.do(r), fixed.do(r)
			if a.Header.Get("Cache-Control") != "no-store" || b.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s may be kept: %q, %q", r.path, a.Header.Get("Cache-Control"), b.Header.Get("Cache-Control"))
			}
			if v := a.Header.Values("Vary"); len(v) != 1 || !strings.Contains(v[0], "Host") {
				t.Errorf("%s: Vary %q", r.path, v)
			}
			if v := b.Header.Get("Vary"); strings.Contains(v, "Host") {
				t.Errorf("%s does not depend on Host: Vary %q", r.path, v)
			}
		}
	}
	some := start(t, thirty(), func(d *gateway.Deps) { d.Config.CORSOrigins = []string{"https://web.example"} })
	a := some.do(request{method: "GET", path: "/douyin/feed/", header: map[string]string{"Origin": "https://web.example"}})
	if v := a.Header.Get("Vary"); v != "Origin, Host, Accept-Encoding" {
		t.Errorf("Vary %q", v)
	}
	if v := fromHost.get("/static/avatars/1.png").Header.Get("Cache-Control"); !strings.Contains(v, "max-age") {
		t.Errorf("a picture may not be kept: %q", v)
	}
}
