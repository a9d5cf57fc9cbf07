// Package webpushtest is a push service for tests, with browsers of its own: it checks who sends (VAPID) and decrypts what is sent, by code
// of its own and of the standard library, not by that of package webpush.
package webpushtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Service is a push service on loopback, without TLS: name its URL in Config.PrivateOrigins.
type Service struct {
	// URL is its origin.
	URL string

	t        testing.TB
	mu       sync.Mutex
	browsers map[string]*Browser
	requests int
	active   int
	most     int
}

// New starts a push service, which ends with the test.
func New(t testing.TB) *Service {
	t.Helper()
	s := &Service{t: t, browsers: map[string]*Browser{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Browser is a subscription, with the keys that only a browser has.
type Browser struct {
	// Endpoint, P256dh and Auth are what it tells the server.
	Endpoint, P256dh, Auth string

	service *Service
	private *ecdh.PrivateKey
	auth    []byte
	answer  func(w http.ResponseWriter)
	pushes  []Push
	tries   int
}

// Push is what a browser got.
type Push struct {
	Body string
	// TTL, Urgency and Topic are the headers.
	TTL            int
	Urgency, Topic string
	// Key is the sender's public key, Subject whom it names.
	Key, Subject string
}

// NewBrowser makes a subscription at the service.
func (s *Service) NewBrowser() *Browser {
	s.t.Helper()
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	auth := make([]byte, 16)
	_, _ = rand.Read(auth) // never fails
	b := &Browser{
		service: s, private: private, auth: auth,
		P256dh: base64.RawURLEncoding.EncodeToString(private.PublicKey().Bytes()), Auth: base64.RawURLEncoding.EncodeToString(auth),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := fmt.Sprintf("/push/%d/%s", len(s.browsers), b.Auth)
	b.Endpoint = s.URL + path
	s.browsers[path] = b
	return b
}

// Answer makes the service answer pushes to the browser in another way than with 201; nil ends that. What is answered with less than 300 is
// delivered.
func (b *Browser) Answer(with func(w http.ResponseWriter)) {
	b.service.mu.Lock()
	defer b.service.mu.Unlock()
	b.answer = with
}

// Pushes are what the browser got, in order.
func (b *Browser) Pushes() []Push {
	b.service.mu.Lock()
	defer b.service.mu.Unlock()
	return append([]Push(nil), b.pushes...)
}

// Tries is how many requests there were for the browser.
func (b *Browser) Tries() int {
	b.service.mu.Lock()
	defer b.service.mu.Unlock()
	return b.tries
}

// Requests is how many requests there were, Most how many at the same time.
func (s *Service) Requests() (requests, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.most
}

// ServeHTTP implements http.Handler. A request that is not as the RFCs say fails the test.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	b := s.browsers[r.URL.Path]
	s.requests++
	s.active++
	s.most = max(s.most, s.active)
	var answer func(http.ResponseWriter)
	if b != nil {
		b.tries++
		answer = b.answer
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.active--
	}()
	if b == nil {
		s.t.Errorf("push service: a request for %s", r.URL.Path)
		http.NotFound(w, r)
		return
	}
	push, err := b.read(r)
	if err != nil {
		s.t.Errorf("push service: %v", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if answer == nil {
		answer = func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated) }
	}
	record := &status{ResponseWriter: w}
	answer(record)
	if record.code < 300 {
		s.mu.Lock()
		defer s.mu.Unlock()
		b.pushes = append(b.pushes, push)
	}
}

type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (b *Browser) read(r *http.Request) (p Push, err error) {
	if r.Method != http.MethodPost || r.Header.Get("Content-Encoding") != "aes128gcm" {
		return p, fmt.Errorf("%s with content encoding %q", r.Method, r.Header.Get("Content-Encoding"))
	}
	if p.TTL, err = strconv.Atoi(r.Header.Get("TTL")); err != nil {
		return p, fmt.Errorf("TTL: %w", err)
	}
	p.Urgency, p.Topic = r.Header.Get("Urgency"), r.Header.Get("Topic")
	if len(p.Topic) > 32 {
		return p, fmt.Errorf("a topic of %d characters", len(p.Topic))
	}
	if p.Key, p.Subject, err = CheckVAPID(r.Header.Get("Authorization"), b.service.URL, time.Now()); err != nil {
		return p, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 5000))
	if err != nil {
		return p, err
	}
	if len(body) > 4096 { // what push services take
		return p, fmt.Errorf("a body of %d bytes", len(body))
	}
	plain, err := Decrypt(b.private, b.auth, body)
	p.Body = string(plain)
	return p, err
}

// CheckVAPID checks a header Authorization (RFC 8292), and returns the sender's public key and subject.
func CheckVAPID(header, origin string, now time.Time) (key, subject string, err error) {
	token, key, ok := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	parts := strings.Split(token, ".")
	if !strings.HasPrefix(header, "vapid t=") || !ok || len(parts) != 3 {
		return "", "", fmt.Errorf("vapid: the header is %q", header)
	}
	decoded := make([][]byte, len(parts))
	for i, part := range parts {
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return "", "", fmt.Errorf("vapid: %w", err)
		}
	}
	var head struct{ Alg, Typ string }
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	if err := errors.Join(json.Unmarshal(decoded[0], &head), json.Unmarshal(decoded[1], &claims)); err != nil {
		return "", "", fmt.Errorf("vapid: %w", err)
	}
	if head.Alg != "ES256" || head.Typ != "JWT" {
		return "", "", fmt.Errorf("vapid: the token is %+v", head)
	}
	if left := time.Unix(claims.Exp, 0).Sub(now); claims.Aud != origin || left <= 0 || left > 24*time.Hour ||
		!strings.HasPrefix(claims.Sub, "mailto:") && !strings.HasPrefix(claims.Sub, "https://") || strings.Count(claims.Sub, ":") != 1 {
		return "", "", fmt.Errorf("vapid: the claims are %+v", claims)
	}
	point, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		return "", "", fmt.Errorf("vapid: the key: %w", err)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return "", "", fmt.Errorf("vapid: the key: %w", err)
	}
	hash, signature := sha256.Sum256([]byte(parts[0]+"."+parts[1])), decoded[2]
	if len(signature) != 64 ||
		!ecdsa.Verify(public, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return "", "", errors.New("vapid: the signature is not that of the key")
	}
	return key, claims.Sub, nil
}

// Decrypt reads a body as a browser does (RFC 8291, and 8188 for one record).
func Decrypt(private *ecdh.PrivateKey, auth, body []byte) ([]byte, error) {
	const saltSize, keySize = 16, 65
	if len(body) < saltSize+5+keySize || int(body[saltSize+4]) != keySize {
		return nil, errors.New("decrypt: the header is too short, or has no key")
	}
	salt, size, point := body[:saltSize], binary.BigEndian.Uint32(body[saltSize:]), body[saltSize+5:saltSize+5+keySize]
	record := body[saltSize+5+keySize:]
	if len(record) > int(size) {
		return nil, fmt.Errorf("decrypt: %d bytes in a record of %d", len(record), size)
	}
	public, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	expand := func(secret, salt []byte, info string, size int) []byte {
		key, e := hkdf.Key(sha256.New, secret, salt, info, size)
		err = errors.Join(err, e)
		return key
	}
	ikm := expand(shared, auth, "WebPush: info\x00"+string(private.PublicKey().Bytes())+string(point), 32)
	block, e := aes.NewCipher(expand(ikm, salt, "Content-Encoding: aes128gcm\x00", 16))
	if err = errors.Join(err, e); err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	plain, err := gcm.Open(nil, expand(ikm, salt, "Content-Encoding: nonce\x00", gcm.NonceSize()), record, nil)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	plain = bytes.TrimRight(plain, "\x00")
	if !bytes.HasSuffix(plain, []byte{2}) {
		return nil, errors.New("decrypt: the record does not end as the last one does")
	}
	return plain[:len(plain)-1], nil
}
