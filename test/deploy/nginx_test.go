package deploy_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tiktok/pkg/errno"
	"tiktok/test/harness"
)

// startTime bounds the start of nginx.
const startTime = 10 * time.Second

// certificate writes a certificate that nobody has signed, and its key.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"v.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// front is the shipped nginx/tiktok.conf, run by a real nginx on other ports.
type front struct {
	plain, tls string // host:port
	client     *http.Client
	dir        string // of its logs
}

// startFront runs nginx before a gateway at addr until the test ends.
func startFront(t *testing.T, addr string) front {
	t.Helper()
	bin, err := exec.LookPath("nginx")
	if err != nil {
		bin = "/usr/sbin/nginx" // not in everybody's PATH
		if _, err := os.Stat(bin); err != nil {
			t.Skip("nginx is not installed")
		}
	}
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	f := front{dir: dir, plain: harness.FreePort(t), tls: harness.FreePort(t)}
	raw, err := os.ReadFile("../../deploy/nginx/tiktok.conf")
	if err != nil {
		t.Fatal(err)
	}
	conf := string(raw)
	for old, with := range map[string]string{
		"listen 80;": "listen " + f.plain + ";", "listen [::]:80;": "",
		"listen 443 ssl": "listen " + f.tls + " ssl", "listen [::]:443 ssl http2;": "",
		"/etc/letsencrypt/live/v.example.com/fullchain.pem": cert, "/etc/letsencrypt/live/v.example.com/privkey.pem": key,
		"/var/log/nginx/error.log": filepath.Join(dir, "tiktok.log"), "127.0.0.1:10001": addr, "127.0.0.1:10002": harness.FreePort(t),
	} {
		if !strings.Contains(conf, old) {
			t.Fatalf("there is no %q in tiktok.conf any more", old)
		}
		conf = strings.Replace(conf, old, with, 1)
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n"
	}
	conf = fmt.Sprintf(
		"%sdaemon off;\nworker_processes 1;\npid %[2]s/pid;\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path %[2]s/body;\n"+
			"proxy_temp_path %[2]s/proxy;\n"+
			"fastcgi_temp_path %[2]s/f;\nuwsgi_temp_path %[2]s/u;\nscgi_temp_path %[2]s/s;\n%s\n}\n",
		user,
		dir,
		conf,
	)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bin, "-p", dir, "-e", filepath.Join(dir, "error.log"), "-c", file)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its worker, too
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	f.client = &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, ServerName: "v.example.com"}, //nolint:gosec // the test's own
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		if err := <-ended; err != nil {
			t.Logf("nginx: %v", err)
		}
		if t.Failed() {
			log, err := os.ReadFile(filepath.Join(dir, "error.log"))
			t.Logf("nginx: %s%s (%v)", out.String(), log, err)
		}
	})
	harness.Eventually(t, startTime, func() error {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("nginx has ended: %v: %s", err, out.String())
		default:
		}
		c, err := tls.Dial("tcp", f.tls, f.tlsConfig())
		if err != nil {
			return err
		}
		return c.Close()
	})
	return f
}

func (f front) tlsConfig() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: "v.example.com"} //nolint:gosec // the test's own
}

// envelope is an answer of the API.
type envelope struct {
	*http.Response
	raw  []byte
	json map[string]any
}

func (f front) do(t *testing.T, method, target string) envelope {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "v.example.com"
	res, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res)
}

// raw sends bytes over TLS, HTTP/1.1.
func (f front) raw(t *testing.T, text string) envelope {
	t.Helper()
	c, err := tls.Dial("tcp", f.tls, f.tlsConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // read
	if _, err := io.WriteString(c, text); err != nil {
		t.Logf("%.40q: %v", text, err) // it may have answered already
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.40q: %v", text, err)
	}
	return read(t, res)
}

func read(t *testing.T, res *http.Response) envelope {
	t.Helper()
	defer func() { _ = res.Body.Close() }() // only read
	e := envelope{Response: res}
	var err error
	if e.raw, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(e.raw, &e.json); err != nil {
			t.Fatalf("%v: %s", err, e.raw)
		}
	}
	return e
}

// want checks an answer of nginx itself.
func (e envelope) want(t *testing.T, what string, code int32) {
	t.Helper()
	if msg, _ := e.json["status_msg"].(string); e.StatusCode != 200 || e.json["status_code"] != float64(code) || msg == "" {
		t.Errorf("%s: HTTP %d %.200s, want status_code %d", what, e.StatusCode, e.raw, code)
	}
	if got := e.Header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
		t.Errorf("%s: Cache-Control %q", what, got)
	}
	e.secure(t, what)
}

// secure checks the headers that every answer has, once.
func (e envelope) secure(t *testing.T, what string) {
	t.Helper()
	for key, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'",
	} {
		if got := e.Header.Values(key); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s: %s is %q", what, key, got)
		}
	}
	if got := e.Header.Get("Server"); got != "nginx" {
		t.Errorf("%s: Server %q tells a version", what, got)
	}
}

// The shipped nginx lets through what the gateway takes, and answers by itself as the gateway does.
func TestNginx(t *testing.T) {
	d := harness.AllInOne(t, harness.Set("gateway.trusted_proxies", "127.0.0.1"),
		harness.Set("gateway.public_base_url", "https://v.example.com"))
	addr := strings.TrimPrefix(d.URL(), "http://")
	f := startFront(t, addr)
	base := "https://" + f.tls
	from, to := d.NewUser(t), d.NewUser(t)
	text := strings.Repeat("漢", 1000)
	q := url.Values{"token": {from.Token}, "to_user_id": {fmt.Sprint(to.ID)}, "action_type": {"1"}, "content": {text}}
	for _, proto := range []string{"HTTP/2.0", "HTTP/1.1"} {
		var e envelope
		if proto == "HTTP/2.0" {
			e = f.do(t, http.MethodPost, base+"/douyin/message/action/?"+q.Encode())
		} else {
			e = f.raw(t, "POST /douyin/message/action/?"+q.Encode()+" HTTP/1.1\r\nHost: v.example.com\r\nContent-Length: 0\r\nConnection: "+
				"close\r\n\r\n")
		}
		if e.Proto != proto {
			t.Errorf("%s, want %s", e.Proto, proto)
		}
		e.want(t, "a message of 1000 characters by "+proto, 0)
	}
	for what, e := range map[string]envelope{
		"a picture":  f.do(t, http.MethodGet, base+"/static/avatars/1.png"),
		"nothing":    f.do(t, http.MethodGet, base+"/nothing"),
		"metrics":    f.do(t, http.MethodGet, base+"/metrics"),
		"a redirect": f.do(t, http.MethodGet, "http://"+f.plain+"/douyin/feed/"),
		"a feed":     f.do(t, http.MethodGet, base+"/douyin/feed/"),
		"many headers": f.raw(t, "GET /douyin/feed/ HTTP/1.1\r\nHost: v.example.com\r\nConnection: close\r\n"+strings.Repeat("X-A: b\r\n",
			200)+"\r\n"),
	} {
		e.secure(t, what)
		if what == "metrics" && e.StatusCode != 404 || what == "a redirect" && e.StatusCode != 308 {
			t.Errorf("%s: HTTP %d", what, e.StatusCode)
		}
	}
	page := f.do(t, http.MethodGet, base+"/")
	for key, want := range map[string]string{
		"Referrer-Policy": "same-origin", "Content-Security-Policy": "default-src 'none'; script-src 'self'",
	} {
		if got := page.Header.Values(key); page.StatusCode != 200 || len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("the web client's page: HTTP %d, %s is %q", page.StatusCode, key, got)
		}
	}
	const end = " HTTP/1.1\r\nHost: v.example.com\r\n"
	const invalid = 10002
	f.raw(t, "GET /douyin/feed/?x="+strings.Repeat("x", 31<<10)+end+"Connection: close\r\n\r\n").want(t, "a line of 31 KiB", 0)
	f.raw(t, "GET /douyin/feed/?x="+strings.Repeat("x", 32<<10)+end+"\r\n").want(t, "a head above the gateway's bound", invalid)
	f.raw(t, "GET /douyin/feed/?x="+strings.Repeat("x", 64<<10)+end+"\r\n").want(t, "a line of 64 KiB", invalid)
	f.raw(t, "GET /douyin/feed/"+end+"X-A: "+strings.Repeat("x", 64<<10)+"\r\n\r\n").want(t, "a header of 64 KiB", invalid)
	f.raw(t, "GET /douyin/feed/ HTTP/1.1\r\n\r\n").want(t, "no host", invalid)
	f.raw(t, "POST /douyin/publish/action/"+end+"Content-Length: 230000000\r\n\r\n").want(t, "an upload of 230 MB",
		errno.VideoTooLarge.Code)

	away := startFront(t, harness.FreePort(t)) // nobody listens there
	for _, path := range []string{
		"GET feed", "POST user/register", "POST user/login", "GET user", "POST publish/action", "GET publish/list",
		"POST publish/delete", "POST favorite/action",
		"GET favorite/list", "POST comment/action", "GET comment/list", "POST relation/action", "GET relation/follow/list",
		"GET relation/follower/list",
		"GET relation/friend/list", "POST message/action", "GET message/chat",
	} {
		method, name, _ := strings.Cut(path, " ")
		e := away.do(t, method, "https://"+away.tls+"/douyin/"+name+"/")
		e.want(t, path, errno.Unavailable.Code)
		own := f.do(t, method, d.URL()+"/douyin/"+name+"/?"+strings.Repeat("&", 64))
		if got, want := keys(e.json), keys(own.json); !slices.Equal(got, want) {
			t.Errorf("%s: nginx answers with %v, the gateway with %v", path, got, want)
		}
	}
	away.do(t, http.MethodGet, "https://"+away.tls+"/douyin/feed/?token="+from.Token).want(t, "a token", errno.Unavailable.Code)
	for _, dir := range []string{f.dir, away.dir} {
		for _, name := range []string{"error.log", "tiktok.log"} {
			if log, err := os.ReadFile(filepath.Join(dir, name)); err != nil || bytes.Contains(log, []byte("token=")) ||
				bytes.Contains(log, []byte("/douyin/")) {
				t.Errorf("%s: %v: %.300s", name, err, log)
			}
		}
	}
	if e := away.do(t, http.MethodGet, "https://"+away.tls+"/media/x.mp4"); e.StatusCode != 502 {
		t.Errorf("media without a gateway: HTTP %d", e.StatusCode)
	}
}

// keys are those of an answer, and of the object in it.
func keys(o map[string]any) []string {
	var out []string
	for k, v := range o {
		out = append(out, k)
		if inner, ok := v.(map[string]any); ok {
			out = append(out, slices.Collect(maps.Keys(inner))...)
		}
	}
	slices.Sort(out)
	return out
}

// A stream of events comes through as it is written, and ends with the gateway.
func TestNginxLetsEventsThrough(t *testing.T) {
	d := harness.AllInOne(t, harness.Set("gateway.trusted_proxies", "127.0.0.1"),
		harness.Set("gateway.public_base_url", "https://v.example.com"))
	f := startFront(t, strings.TrimPrefix(d.URL(), "http://"))
	u := d.NewUser(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+f.tls+harness.PathEvents, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "v.example.com"
	req.Header.Set("Authorization", "Bearer "+u.Token)
	res, err := f.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // only read
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "retry: ") {
		t.Fatalf("%d %q: %v", res.StatusCode, lines.Text(), lines.Err())
	}
	d.Stop(t)
	for lines.Scan() {
	}
	d.Start(t)
}
