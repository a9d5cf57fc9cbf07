// Package webpush tells browsers something while no page is open (Web Push: RFC 8030, 8291, 8292). Where to send it is
// what a client says, so a Sender connects to public addresses only, and follows nothing. It encrypts with webpush-go.
package webpush

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"code.dny.dev/ssrf"
	library "github.com/SherClockHolmes/webpush-go"
)

// MaxEndpoint is the longest address of a subscription, in bytes.
const MaxEndpoint = 1000

// MaxBody is the longest body of a push, in bytes: what fits into one record with what encryption adds.
const MaxBody = 3000

const (
	// dialTimeout, tlsTimeout and sendTimeout bound one push: the connection, its encryption, all of it.
	dialTimeout = 5 * time.Second
	tlsTimeout  = 5 * time.Second
	sendTimeout = 10 * time.Second
	// maxAnswer and maxHead bound what is read of an answer, in bytes.
	maxAnswer = 4 << 10
	maxHead   = 16 << 10
	// idleTimeout and maxIdle are for connections that wait for the next push, of one push service.
	idleTimeout = 30 * time.Second
	maxIdle     = 4
	// maxRetryAfter bounds what a push service may ask for.
	maxRetryAfter = time.Hour
	authBytes     = 16
)

// Subscription is where a browser's push service takes messages for it, and by what they are encrypted.
type Subscription struct {
	// Endpoint is an address of that push service, which nobody else should know.
	Endpoint string
	// P256dh and Auth are the browser's public key and secret, base64url.
	P256dh, Auth string
}

// Push is one message.
type Push struct {
	// Body is for the service worker of the page, MaxBody bytes at most.
	Body []byte
	// Topic replaces what the push service still keeps of the same topic: at most 32 characters of base64url. Empty: none.
	Topic string
	// Low says that a device may wait with it for power or a better network.
	Low bool
}

// ErrGone is for a subscription that has ended: it will never work again.
var ErrGone = errors.New("web push: the subscription has ended")

// ErrEndpoint is for an endpoint where nothing is sent to.
var ErrEndpoint = errors.New("web push: not an endpoint of a push service")

// ErrKeys is for keys of a subscription that cannot be ones.
var ErrKeys = errors.New("web push: not the keys of a subscription")

// RetryError says that the push service could not take the push now.
type RetryError struct {
	// After is what it asks to wait; 0: it does not say.
	After time.Duration
	// Limited says that it works, and has had too many pushes for this subscription.
	Limited bool
	// Reason is a status, or what is wrong with the connection.
	Reason string
}

// Error says why.
func (e *RetryError) Error() string { return "web push: not now: " + e.Reason }

// Sender sends pushes. It is safe for concurrent use.
type Sender struct {
	cfg            Config
	public         string
	subject        string
	guard          *ssrf.Guardian
	open, internal *http.Client
}

// New returns a sender. It fails for settings that Check finds wrong, and when Web Push is off.
func New(cfg Config) (*Sender, error) {
	public, err := PublicKey(cfg.PrivateKey)
	if err != nil {
		return nil, err
	}
	if problems := cfg.Check(); len(problems) > 0 {
		return nil, fmt.Errorf("web push: %s %s", problems[0].Key, problems[0].Text)
	}
	s := &Sender{
		cfg: cfg, public: public, guard: ssrf.New(ssrf.WithPorts(443)), //nolint:mnd // that of https
		subject: strings.TrimPrefix(cfg.Subject, "mailto:"), // the library adds it
	}
	s.open = client(&net.Dialer{Timeout: dialTimeout, Control: s.guard.Safe})
	s.internal = client(&net.Dialer{Timeout: dialTimeout})
	return s, nil
}

// client is one that connects by the dialer alone, and follows no redirect.
func client(dialer *net.Dialer) *http.Client {
	return &http.Client{
		Timeout:       sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: tlsTimeout, ResponseHeaderTimeout: sendTimeout,
			MaxResponseHeaderBytes: maxHead, MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: idleTimeout, ForceAttemptHTTP2: true,
			DisableCompression: true,
		},
	}
}

// PublicKey is what a browser needs to subscribe, base64url.
func (s *Sender) PublicKey() string { return s.public }

// Close closes idle connections.
func (s *Sender) Close() error {
	s.open.CloseIdleConnections()
	s.internal.CloseIdleConnections()
	return nil
}

// Check returns a subscription with its keys as Send takes them. It asks nobody. It fails with ErrEndpoint or ErrKeys.
func (s *Sender) Check(sub Subscription) (Subscription, error) {
	if _, err := s.endpoint(sub.Endpoint); err != nil {
		return Subscription{}, err
	}
	key, err := decode(sub.P256dh)
	if err != nil {
		return Subscription{}, ErrKeys
	}
	if _, err := ecdh.P256().NewPublicKey(key); err != nil {
		return Subscription{}, ErrKeys
	}
	auth, err := decode(sub.Auth)
	if err != nil || len(auth) != authBytes {
		return Subscription{}, ErrKeys
	}
	sub.P256dh, sub.Auth = base64.RawURLEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(auth)
	return sub, nil
}

// decode reads base64url, with the signs at the end that some browsers add.
func decode(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}

// endpoint reads an address, and returns the client for it.
func (s *Sender) endpoint(text string) (*http.Client, error) {
	outside := func(r rune) bool { return r <= ' ' || r > '~' }
	u, err := url.Parse(text)
	if err != nil || len(text) > MaxEndpoint || strings.ContainsFunc(text, outside) || u.Host == "" || u.Opaque != "" || u.User != nil ||
		u.Fragment != "" {
		return nil, ErrEndpoint
	}
	if slices.Contains(s.cfg.PrivateOrigins, originOf(u)) {
		return s.internal, nil
	}
	if u.Scheme != "https" || u.Port() != "" && u.Port() != "443" || u.Hostname() == "" {
		return nil, ErrEndpoint
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && s.guard.SafeAddr(ip) != nil {
		return nil, ErrEndpoint
	}
	return s.open, nil
}

// Origin is the push service of an endpoint: scheme://host[:port]. Empty for what is no address.
func Origin(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return originOf(u)
}

// Send hands a push to the browser's push service. Errors are ErrGone, ErrEndpoint (also for an address that is not public), ErrKeys,
// *RetryError, or others, after which the same push will not be taken either.
func (s *Sender) Send(ctx context.Context, sub Subscription, p Push) error {
	by, err := s.endpoint(sub.Endpoint)
	if err != nil {
		return err
	}
	if len(p.Body) > MaxBody {
		return fmt.Errorf("web push: a body of %d bytes, want %d at most", len(p.Body), MaxBody)
	}
	urgency := library.UrgencyNormal
	if p.Low {
		urgency = library.UrgencyLow
	}
	answer, err := library.SendNotificationWithContext(ctx, p.Body,
		&library.Subscription{Endpoint: sub.Endpoint, Keys: library.Keys{P256dh: sub.P256dh, Auth: sub.Auth}},
		&library.Options{
			HTTPClient: by, Subscriber: s.subject, Topic: p.Topic, TTL: int(s.cfg.TTL.Seconds()), Urgency: urgency,
			VAPIDPublicKey: s.public, VAPIDPrivateKey: s.cfg.PrivateKey,
		})
	if err != nil {
		return sendError(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // so that the connection can be used again
	return answerError(answer)
}

// sendError is the error of a request without an answer. It must not name the endpoint, which is a secret.
func sendError(err error) error {
	var request *url.Error
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP), errors.Is(err, ssrf.ErrProhibitedPort), errors.Is(err, ssrf.ErrProhibitedNetwork):
		return ErrEndpoint
	case errors.As(err, &request):
		return &RetryError{Reason: request.Err.Error()}
	}
	return ErrKeys // the library could not use them
}

func answerError(r *http.Response) error {
	switch {
	case r.StatusCode >= 200 && r.StatusCode < 300:
		return nil
	case r.StatusCode == http.StatusNotFound, r.StatusCode == http.StatusGone:
		return ErrGone
	case r.StatusCode == http.StatusTooManyRequests, r.StatusCode == http.StatusRequestTimeout, r.StatusCode >= 500:
		return &RetryError{
			After: retryAfter(r.Header.Get("Retry-After"), time.Now()), Limited: r.StatusCode == http.StatusTooManyRequests,
			Reason: "status " + strconv.Itoa(r.StatusCode),
		}
	}
	return fmt.Errorf("web push: refused with status %d", r.StatusCode)
}

// retryAfter reads a header: seconds, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
