package gateway_test

import (
	"strings"
	"testing"

	"github.com/cloudwego/hertz/pkg/common/hlog"

	"tiktok/cmd/api/gateway"
	"tiktok/pkg/limiter"
)

// Whatever is wrong with a request, nothing of it stands in the log, and a thousand of them do not make a thousand lines.
func TestBadRequestsInTheLog(t *testing.T) {
	library := &syncBuffer{}
	hlog.SetOutput(library)
	e := start(t, &fakes{}, func(d *gateway.Deps) { d.Limits.ReadUser = limiter.Rule{Rate: 0.001, Burst: 1} })
	token := e.token(42)
	for name, text := range map[string]string{
		"a space before the colon": "GET /douyin/feed/ HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer " + token + "\r\n\r\n",
		"a control character":      "GET /douyin/feed/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\x01\r\n\r\n",
		"no scheme":                "GET ://x/douyin/feed/?token=" + token + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"no version":               "GET /douyin/feed/?token=" + token + "\r\nHost: x\r\n\r\n",
		"a token as the method":    token + " / HTTP/1.1\r\nHost: x\r\n\r\n",
		"a TOKEN as the method":    strings.ToUpper(strings.ReplaceAll(token, ".", "A")) + " / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"many parameters":          "GET /douyin/feed/?token=" + token + strings.Repeat("&", 100) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"a broken length":          "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: " + token + "\r\n\r\n",
		"a broken chunk":           "POST /douyin/user/login/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + token + "\r\n",
		"a token as the path":      "GET /" + token + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"a token as a key":         "GET /media/" + token + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		for range 3 {
			resp, _ := raw(t, e, text)
			if name == "a space before the colon" && resp.StatusCode != 200 {
				t.Errorf("%s: HTTP %d", name, resp.StatusCode)
			}
		}
	}
	for range 300 {
		raw(t, e, "GET /douyin/feed/ HTTP/1.1\r\nHost: x\r\nAuthorization : x\r\n\r\n")
		e.get("/nothing")
		e.get("/douyin/feed/", "token", token) // over its limit from the second on
	}
	e.get("/healthz")
	waitFor(t, "the last line", func() bool { return strings.Contains(e.log.String(), "/healthz") })
	log := e.log.String() + library.String()
	for _, part := range append(strings.Split(token, "."), strings.ToUpper(token[:30])) {
		if strings.Contains(log, part) {
			t.Errorf("a part of a token is in the log: %s", log)
			break
		}
	}
	lines := strings.Split(e.log.String(), "\n")
	for _, line := range lines {
		if len(line) > 500 {
			t.Errorf("a line of %d bytes: %.200s", len(line), line)
		}
	}
	if len(lines) > 200 {
		t.Errorf("%d lines", len(lines))
	}
	if !strings.Contains(log, `"msg":"request refused"`) || !strings.Contains(log, `"refused":"malformed"`) ||
		!strings.Contains(log, `"method":"other"`) {
		t.Errorf("the log does not tell what there was: %s", log)
	}
	metrics := string(e.get("/metrics").body)
	if !strings.Contains(metrics, `tiktok_http_refused_total{kind="malformed"} 3`) ||
		strings.Contains(metrics, "tiktok_log_suppressed_total 0\n") {
		t.Error("refused requests and suppressed lines are not counted")
	}
}
