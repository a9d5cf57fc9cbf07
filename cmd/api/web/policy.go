package web

import (
	"net/url"
	"slices"
	"strings"
)

// WorkerPolicy is the Content-Security-Policy of the service worker: it asks this server's API, and loads nothing.
const WorkerPolicy = "default-src 'none'; connect-src 'self'"

// Policy is the Content-Security-Policy of the client's pages: its own scripts and styles, nothing inline, no other address. Pictures,
// videos and playlists may also come from origins, which are URLs of which all but scheme, host and port is dropped; what is no http
// URL is left out.
func Policy(origins ...string) string {
	media := ""
	for _, o := range distinctOrigins(origins) {
		media += " " + o
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data: blob:" + media,
		"media-src 'self' blob:" + media,
		"connect-src 'self'" + media,
		"font-src 'self'",
		"manifest-src 'self'",
		"worker-src 'self' blob:",
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'none'",
	}, "; ")
}

// distinctOrigins are the origins of URLs, each once, in order.
func distinctOrigins(urls []string) []string {
	var out []string
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(u.Host, " ;,'\"") {
			continue
		}
		if o := u.Scheme + "://" + u.Host; !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	return out
}
