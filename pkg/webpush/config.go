package webpush

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config says whether, and in whose name, browsers are told of something while no page is open.
type Config struct {
	// PrivateKey names this server to push services (VAPID, RFC 8292): a P-256 key, base64url; `tiktok config push-key` makes one. All
	// processes of the notice service have the same one. Another key ends all subscriptions. Empty: Web Push is off.
	PrivateKey string `mapstructure:"private_key"`
	// Subject is whom a push service may ask about this server: mailto:… or https://….
	Subject string `mapstructure:"subject"`
	// Pause is the least time between two pushes of one kind to one user; what comes meanwhile is told together.
	Pause time.Duration `mapstructure:"pause"`
	// TTL is how long a push service keeps what it cannot deliver, at most four weeks.
	TTL time.Duration `mapstructure:"ttl"`
	// PrivateOrigins are push services that are not on the internet, as scheme://host[:port]: only these may have a private address, another
	// port than 443, or http.
	PrivateOrigins []string `mapstructure:"private_origins"`
}

const (
	// minPause and maxTTL bound the settings.
	minPause = time.Second
	maxTTL   = 28 * 24 * time.Hour
)

// Problem is a setting that is not valid.
type Problem struct{ Key, Text string }

// Check returns what is wrong with the settings; nothing when Web Push is off.
func (c Config) Check() (problems []Problem) {
	if c.PrivateKey == "" {
		return nil
	}
	wrong := func(key, format string, args ...any) {
		problems = append(problems, Problem{key, fmt.Sprintf(format, args...)})
	}
	if _, err := readKey(c.PrivateKey); err != nil {
		wrong("private_key", "is not a P-256 private key in base64url")
	}
	if u, err := url.Parse(c.Subject); err != nil || u.Scheme == "mailto" && u.Opaque == "" || u.Scheme == "https" && u.Host == "" ||
		u.Scheme != "mailto" && u.Scheme != "https" {
		wrong("subject", "is %q, want mailto:address or https://host", c.Subject)
	}
	if c.Pause < minPause {
		wrong("pause", "is %v, want %v or more", c.Pause, minPause)
	}
	if c.TTL < time.Second || c.TTL > maxTTL {
		wrong("ttl", "is %v, want 1s..%v", c.TTL, maxTTL)
	}
	for _, text := range c.PrivateOrigins {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || originOf(u) != text {
			wrong("private_origins", "has %q, want scheme://host[:port] in lower case, without the scheme's own port", text)
		}
	}
	return problems
}

// NewKey makes a private key.
func NewKey() (string, error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("web push: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(key.Bytes()), nil
}

// PublicKey is the public key of a private one, base64url.
func PublicKey(private string) (string, error) {
	key, err := readKey(private)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()), nil
}

func readKey(text string) (*ecdh.PrivateKey, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("web push: the private key is not base64url")
	}
	key, err := ecdh.P256().NewPrivateKey(b)
	if err != nil {
		return nil, errors.New("web push: the private key is not one of P-256")
	}
	return key, nil
}

// originOf is scheme, host and port of an address, as browsers write it.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port := u.Port()
	if port == "" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		return u.Scheme + "://" + host
	}
	return u.Scheme + "://" + host + ":" + port
}
