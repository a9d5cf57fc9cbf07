package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/maypok86/otter/v2"
)

const (
	// MinSecretBytes is the shortest key that Tokens signs with: HS256 is as strong as its key up to 256 bits.
	MinSecretBytes = 32

	issuer   = "tiktok"
	maxToken = 1024 // bytes; ours are below 300
)

// ErrBadToken is the only error of Parse. It never says what is wrong with the token.
var ErrBadToken = errors.New("bad token")

// Tokens issues and checks JSON Web Tokens: HS256, the user's id as a string subject (a number would lose digits in
// JavaScript and in many Go parsers), the session's id as the string sid, issuer "tiktok", and an expiry. The header kid
// names the key. It is safe for concurrent use.
type Tokens struct {
	secret []byte
	id     string // of secret
	keys   map[string]jwt.VerificationKey
	all    jwt.VerificationKeySet
	ttl    time.Duration
	now    func() time.Time
	parser *jwt.Parser
	// checked are tokens that Parse has found good: checking one costs more than all else that the gateway does for a
	// small request. They are checked once, and then until they expire only for that. Nil holds nothing.
	checked *otter.Cache[string, good]
}

// maxChecked is some MB of tokens.
const maxChecked = 16_384

// good is what a good token says.
type good struct {
	userID, sessionID int64
	expires           time.Time
}

// claims are what a token says. Tokens of before sessions have no session.
type claims struct {
	jwt.RegisteredClaims
	Session string `json:"sid,omitempty"`
}

// NewTokens makes tokens that live for ttl and are signed with secret, which is at least MinSecretBytes long. With a
// shorter one, Issue fails and Parse refuses everything: a server without a key lets nobody in. Tokens that were signed
// with one of the old keys are good until they expire; old keys that are too short are left out.
func NewTokens(secret []byte, ttl time.Duration, old ...[]byte) *Tokens {
	return newTokens(secret, ttl, time.Now, old...)
}

func newTokens(secret []byte, ttl time.Duration, now func() time.Time, old ...[]byte) *Tokens {
	checked, err := otter.New(&otter.Options[string, good]{MaximumSize: maxChecked})
	if err != nil {
		checked = nil // slower, never wrong
	}
	t := &Tokens{
		checked: checked,
		secret:  append([]byte(nil), secret...),
		id:      KeyID(secret),
		keys:    map[string]jwt.VerificationKey{},
		ttl:     ttl,
		now:     now,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
			jwt.WithIssuer(issuer),
			jwt.WithExpirationRequired(),
			jwt.WithStrictDecoding(),
			jwt.WithTimeFunc(now),
		),
	}
	for _, key := range append([][]byte{t.secret}, old...) {
		if len(key) >= MinSecretBytes {
			t.keys[KeyID(key)] = append([]byte(nil), key...)
			t.all.Keys = append(t.all.Keys, t.keys[KeyID(key)])
		}
	}
	return t
}

// KeyID is the name of a key in the tokens that it signs: the first eight hexadecimal digits of its SHA-256. It tells
// nothing of a random key.
func KeyID(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:4])
}

// Issue signs a token for a session of the user; session 0 is a token without one. It fails only for ids out of range and
// for a key that is too short.
func (t *Tokens) Issue(userID, sessionID int64) (string, error) {
	if userID <= 0 || sessionID < 0 {
		return "", fmt.Errorf("issue token: user id %d or session id %d is out of range", userID, sessionID)
	}
	if len(t.secret) < MinSecretBytes {
		return "", fmt.Errorf("issue token: the key has %d bytes, at least %d are needed", len(t.secret), MinSecretBytes)
	}
	now := t.now()
	said := claims{RegisteredClaims: jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   strconv.FormatInt(userID, 10),
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(t.ttl)),
	}}
	if sessionID != 0 {
		said.Session = strconv.FormatInt(sessionID, 10)
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodHS256, said)
	unsigned.Header["kid"] = t.id
	token, err := unsigned.SignedString(t.secret)
	if err != nil {
		return "", fmt.Errorf("issue token: %w", err)
	}
	return token, nil
}

// Parse returns the user that the token was issued to, and the session, 0 for a token without one. Whatever is wrong (no
// token, not one of ours, another key or algorithm, expired, ids that are none), the error is ErrBadToken and nothing else.
// A token outlives neither its expiry nor the ttl of today: revocations are remembered no longer. Whether the session is
// revoked is for the caller to check, for each request.
func (t *Tokens) Parse(token string) (userID, sessionID int64, err error) {
	g, err := t.check(token)
	return g.userID, g.sessionID, err
}

// Expires is until when a token is good, if it is so now.
func (t *Tokens) Expires(token string) (at time.Time, ok bool) {
	g, err := t.check(token)
	return g.expires, err == nil
}

func (t *Tokens) check(token string) (good, error) {
	if token == "" || len(token) > maxToken || len(t.secret) < MinSecretBytes {
		return good{}, ErrBadToken
	}
	if t.checked != nil {
		if g, ok := t.checked.GetIfPresent(token); ok && t.now().Before(g.expires) {
			return g, nil
		}
	}
	g, err := t.parse(token)
	if err != nil {
		return good{}, ErrBadToken
	}
	if t.checked != nil {
		t.checked.Set(token, g)
	}
	return g, nil
}

func (t *Tokens) parse(token string) (good, error) {
	var said claims
	if _, err := t.parser.ParseWithClaims(token, &said, t.key); err != nil {
		return good{}, err
	}
	g := good{expires: said.ExpiresAt.Time}
	if said.IssuedAt != nil && said.IssuedAt.Add(t.ttl).Before(g.expires) {
		g.expires = said.IssuedAt.Add(t.ttl)
	}
	if !t.now().Before(g.expires) {
		return good{}, ErrBadToken
	}
	var ok bool
	if g.userID, ok = id(said.Subject); !ok {
		return good{}, ErrBadToken
	}
	if said.Session != "" {
		if g.sessionID, ok = id(said.Session); !ok {
			return good{}, ErrBadToken
		}
	}
	return g, nil
}

// id reads a positive number in its only form.
func id(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == text
}

// key hands the key to the parser, which has checked the algorithm before: the one that the token names. Tokens of before
// keys had names are tried with all.
func (t *Tokens) key(token *jwt.Token) (any, error) {
	kid, named := token.Header["kid"]
	if !named {
		return t.all, nil
	}
	name, _ := kid.(string)
	key, ok := t.keys[name]
	if !ok {
		return nil, ErrBadToken
	}
	return key, nil
}
