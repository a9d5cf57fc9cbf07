package webpush_test

import (
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tiktok/pkg/webpush"
	"tiktok/pkg/webpush/webpushtest"
)

func settings(t *testing.T, origins ...string) webpush.Config {
	t.Helper()
	key, err := webpush.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return webpush.Config{
		PrivateKey: key, Subject: "mailto:ops@example.com", Pause: time.Minute, TTL: time.Hour, PrivateOrigins: origins,
	}
}

func sender(t *testing.T, cfg webpush.Config) *webpush.Sender {
	t.Helper()
	s, err := webpush.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func of(b *webpushtest.Browser) webpush.Subscription {
	return webpush.Subscription{Endpoint: b.Endpoint, P256dh: b.P256dh, Auth: b.Auth}
}

// A push gets through: signed, encrypted for that browser, with its headers.
func TestSend(t *testing.T) {
	service := webpushtest.New(t)
	for _, subject := range []string{"mailto:ops@example.com", "https://example.com/contact"} {
		cfg := settings(t, service.URL)
		cfg.Subject = subject
		s, browser := sender(t, cfg), service.NewBrowser()
		sub, err := s.Check(of(browser))
		if err != nil {
			t.Fatal(err)
		}
		body := strings.Repeat("é", webpush.MaxBody/2)
		for _, p := range []webpush.Push{{Body: []byte(`{"kind":"like"}`), Topic: "like", Low: true}, {Body: []byte(body)}} {
			if err := s.Send(t.Context(), sub, p); err != nil {
				t.Fatal(err)
			}
		}
		want := []webpushtest.Push{
			{Body: `{"kind":"like"}`, TTL: 3600, Urgency: "low", Topic: "like", Key: s.PublicKey(), Subject: subject},
			{Body: body, TTL: 3600, Urgency: "normal", Key: s.PublicKey(), Subject: subject},
		}
		if diff := cmp.Diff(want, browser.Pushes()); diff != "" {
			t.Error(diff)
		}
		if err := s.Send(t.Context(), sub, webpush.Push{Body: make([]byte, webpush.MaxBody+1)}); err == nil {
			t.Error("a body that is too long was sent")
		}
	}
}

func TestAnswers(t *testing.T) {
	service := webpushtest.New(t)
	s, browser := sender(t, settings(t, service.URL)), service.NewBrowser()
	answer := func(code int, header ...string) error {
		t.Helper()
		browser.Answer(func(w http.ResponseWriter) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
		})
		return s.Send(t.Context(), of(browser), webpush.Push{Body: []byte("x")})
	}
	for _, code := range []int{200, 201, 202, 204} {
		if err := answer(code); err != nil {
			t.Errorf("%d: %v", code, err)
		}
	}
	for _, code := range []int{404, 410} {
		if err := answer(code); !errors.Is(err, webpush.ErrGone) {
			t.Errorf("%d: %v", code, err)
		}
	}
	date := time.Now().Add(30 * time.Minute).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		code     int
		after    string
		min, max time.Duration
	}{
		{429, "", 0, 0},
		{429, "17", 17 * time.Second, 17 * time.Second},
		{429, "-5", 0, 0},
		{500, "x", 0, 0},
		{408, "", 0, 0},
		{503, "100000000", time.Hour, time.Hour},
		{503, date, 29 * time.Minute, 30 * time.Minute},
	} {
		var later *webpush.RetryError
		err := answer(c.code, "Retry-After", c.after)
		if !errors.As(err, &later) || later.After < c.min || later.After > c.max || later.Limited != (c.code == 429) {
			t.Errorf("%d after %q: %v, %+v", c.code, c.after, err, later)
		}
	}
	for _, code := range []int{400, 401, 403, 413} {
		err := answer(code)
		var later *webpush.RetryError
		if err == nil || errors.Is(err, webpush.ErrGone) || errors.As(err, &later) {
			t.Errorf("%d: %v", code, err)
		}
	}
	// A redirect is not followed, wherever it leads.
	other := service.NewBrowser()
	if err := answer(307, "Location", other.Endpoint); err == nil || other.Tries() != 0 {
		t.Errorf("a redirect was followed: %v", err)
	}
	// An answer without end costs no more than its beginning.
	browser.Answer(func(w http.ResponseWriter) {
		w.WriteHeader(201)
		for range 1000 {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	if err := s.Send(t.Context(), of(browser), webpush.Push{Body: []byte("x")}); err != nil {
		t.Error(err)
	}
}

// What is no push service on the internet is refused before anything is sent to it, by its address, or when its name leads there.
func TestPrivateAddressesAreRefused(t *testing.T) {
	reached := false
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	keys := webpushtest.New(t).NewBrowser()
	s := sender(t, settings(t))
	long := "https://push.example.com/" + strings.Repeat("a", webpush.MaxEndpoint)
	for _, endpoint := range []string{
		"", "x", "/x", "push.example.com/x", "http://push.example.com/x", "ftp://push.example.com/x", "https:///x", "https:push.example.com",
		"https://u:p@push.example.com/x", "https://push.example.com:8443/x", "https://push.example.com:80/x", "https://push.example.com/x#f",
		"https://push.example.com/\n", "https://push.example.com/ä", long,
		"https://127.0.0.1/x", "https://127.0.0.1:" + port + "/x", "https://10.1.2.3/x", "https://172.16.0.1/x", "https://192.168.1.1/x",
		"https://169.254.169.254/latest/meta-data", "https://100.64.0.1/x", "https://0.0.0.0/x", "https://224.0.0.1/x",
		"https://255.255.255.255/x", "https://[::1]/x", "https://[::]/x", "https://[fe80::1]/x", "https://[fd00::1]/x",
		"https://[::ffff:127.0.0.1]/x", "https://[64:ff9b::7f00:1]/x", "https://[2002:7f00:1::]/x",
	} {
		sub := webpush.Subscription{Endpoint: endpoint, P256dh: keys.P256dh, Auth: keys.Auth}
		if _, err := s.Check(sub); !errors.Is(err, webpush.ErrEndpoint) {
			t.Errorf("check %s: %v", endpoint, err)
		}
		if err := s.Send(t.Context(), sub, webpush.Push{Body: []byte("x")}); !errors.Is(err, webpush.ErrEndpoint) {
			t.Errorf("send to %s: %v", endpoint, err)
		}
	}
	// Names, and spellings of addresses that only a resolver understands, lead to this machine when they are dialled.
	for _, host := range []string{"localhost", "LOCALHOST"} {
		sub := webpush.Subscription{Endpoint: "https://" + host + "/x", P256dh: keys.P256dh, Auth: keys.Auth}
		if _, err := s.Check(sub); err != nil {
			t.Errorf("check %s: %v", host, err)
		}
		if err := s.Send(t.Context(), sub, webpush.Push{Body: []byte("x")}); !errors.Is(err, webpush.ErrEndpoint) {
			t.Errorf("send to %s: %v", host, err)
		}
	}
	if reached {
		t.Error("a server of this machine was reached")
	}
	for _, endpoint := range []string{"https://push.example.com/x", "https://push.example.com:443/x?y=z", "https://93.184.216.34/x"} {
		if _, err := s.Check(webpush.Subscription{Endpoint: endpoint, P256dh: keys.P256dh, Auth: keys.Auth}); err != nil {
			t.Errorf("check %s: %v", endpoint, err)
		}
	}
	// A private origin is that one alone: not its other ports, nor another scheme.
	s = sender(t, settings(t, "http://127.0.0.1:1"))
	for endpoint, want := range map[string]error{
		"http://127.0.0.1:1/x": nil, "http://127.0.0.1:2/x": webpush.ErrEndpoint, "https://127.0.0.1:1/x": webpush.ErrEndpoint,
		"http://localhost:1/x": webpush.ErrEndpoint, "http://u@127.0.0.1:1/x": webpush.ErrEndpoint,
	} {
		if _, err := s.Check(webpush.Subscription{Endpoint: endpoint, P256dh: keys.P256dh, Auth: keys.Auth}); !errors.Is(err, want) {
			t.Errorf("check %s: %v", endpoint, err)
		}
	}
	var later *webpush.RetryError
	err = s.Send(t.Context(), webpush.Subscription{Endpoint: "http://127.0.0.1:1/secret", P256dh: keys.P256dh, Auth: keys.Auth},
		webpush.Push{Body: []byte("x")})
	if !errors.As(err, &later) || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody is there: %v", err)
	}
}

func TestKeys(t *testing.T) {
	s, good := sender(t, settings(t)), webpushtest.New(t).NewBrowser()
	key, err := base64.RawURLEncoding.DecodeString(good.P256dh)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	off := append([]byte(nil), key...)
	off[64] ^= 1
	for name, c := range map[string]struct {
		p256dh, auth string
		ok           bool
	}{
		"as browsers send them": {good.P256dh, good.Auth, true},
		"with padding":          {base64.URLEncoding.EncodeToString(key), good.Auth + "==", true},
		"no key":                {"", good.Auth, false},
		"no secret":             {good.P256dh, "", false},
		"not base64url":         {"/+" + good.P256dh, good.Auth, false},
		"a short key":           {encode(key[:64]), good.Auth, false},
		"not on the curve":      {encode(off), good.Auth, false},
		"infinity":              {encode([]byte{0}), good.Auth, false},
		"a short secret":        {good.P256dh, encode(make([]byte, 15)), false},
		"a long secret":         {good.P256dh, encode(make([]byte, 17)), false},
	} {
		got, err := s.Check(webpush.Subscription{Endpoint: "https://push.example.com/x", P256dh: c.p256dh, Auth: c.auth})
		if c.ok && (err != nil || got.P256dh != good.P256dh || got.Auth != good.Auth) || !c.ok && !errors.Is(err, webpush.ErrKeys) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestConfig(t *testing.T) {
	if problems := (webpush.Config{Subject: "nonsense"}).Check(); len(problems) != 0 {
		t.Errorf("switched off: %v", problems)
	}
	if _, err := webpush.New(webpush.Config{}); err == nil {
		t.Error("a sender without a key")
	}
	for name, c := range map[string]struct {
		change func(c *webpush.Config)
		want   string
	}{
		"as it should be": {func(*webpush.Config) {}, ""},
		"a key of text":   {func(c *webpush.Config) { c.PrivateKey = "secret" }, "private_key"},
		"a zero key":      {func(c *webpush.Config) { c.PrivateKey = base64.RawURLEncoding.EncodeToString(make([]byte, 32)) }, "private_key"},
		"no subject":      {func(c *webpush.Config) { c.Subject = "" }, "subject"},
		"an address":      {func(c *webpush.Config) { c.Subject = "ops@example.com" }, "subject"},
		"no pause":        {func(c *webpush.Config) { c.Pause = 0 }, "pause"},
		"a long TTL":      {func(c *webpush.Config) { c.TTL = 29 * 24 * time.Hour }, "ttl"},
		"a URL":           {func(c *webpush.Config) { c.PrivateOrigins = []string{"https://push.internal/x"} }, "private_origins"},
		"its own port":    {func(c *webpush.Config) { c.PrivateOrigins = []string{"https://push.internal:443"} }, "private_origins"},
		"a host":          {func(c *webpush.Config) { c.PrivateOrigins = []string{"push.internal"} }, "private_origins"},
		"an origin":       {func(c *webpush.Config) { c.PrivateOrigins = []string{"http://push.internal:8080"} }, ""},
	} {
		cfg := settings(t)
		c.change(&cfg)
		got := ""
		for _, p := range cfg.Check() {
			got += p.Key
		}
		if got != c.want {
			t.Errorf("%s: problems with %q, want %q", name, got, c.want)
		}
	}
}
