package auth

import (
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
	maxToken = 1024 // bytes; ours are below 200
)

// ErrBadToken is the only error of Parse. It never says what is wrong with the token.
var ErrBadToken = errors.New("bad token")

// Tokens issues and checks JSON Web Tokens: HS256, the user's id as a string subject (a number would lose digits in
// JavaScript and in many Go parsers), issuer "tiktok", and an expiry. It is safe for concurrent use.
type Tokens struct {
	secret []byte
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
	userID  int64
	expires time.Time
}

// NewTokens makes tokens that live for ttl and are signed with secret, which is at least MinSecretBytes long. With a
// shorter one, Issue fails and Parse refuses everything: a server without a key lets nobody in.
func NewTokens(secret []byte, ttl time.Duration) *Tokens {
	return newTokens(secret, ttl, time.Now)
}

func newTokens(secret []byte, ttl time.Duration, now func() time.Time) *Tokens {
	checked, err := otter.New(&otter.Options[string, good]{MaximumSize: maxChecked})
	if err != nil {
		checked = nil // slower, never wrong
	}
	return &Tokens{
		checked: checked,
		secret:  append([]byte(nil), secret...),
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
}

// Issue signs a token for the user. It fails only for an id that is not positive and for a key that is too short.
func (t *Tokens) Issue(userID int64) (string, error) {
	if userID <= 0 {
		return "", fmt.Errorf("issue token: user id %d is not positive", userID)
	}
	if len(t.secret) < MinSecretBytes {
		return "", fmt.Errorf("issue token: the key has %d bytes, at least %d are needed", len(t.secret), MinSecretBytes)
	}
	now := t.now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   strconv.FormatInt(userID, 10),
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(t.ttl)),
	}).SignedString(t.secret)
	if err != nil {
		return "", fmt.Errorf("issue token: %w", err)
	}
	return token, nil
}

// Parse returns the id of the user that the token was issued to. Whatever is wrong (no token, not one of ours, another
// key or algorithm, expired, a subject that is no positive id), the error is ErrBadToken and nothing else.
func (t *Tokens) Parse(token string) (int64, error) {
	if token == "" || len(token) > maxToken || len(t.secret) < MinSecretBytes {
		return 0, ErrBadToken
	}
	if t.checked != nil {
		if g, ok := t.checked.GetIfPresent(token); ok && t.now().Before(g.expires) {
			return g.userID, nil
		}
	}
	var claims jwt.RegisteredClaims
	if _, err := t.parser.ParseWithClaims(token, &claims, t.key); err != nil {
		return 0, ErrBadToken
	}
	id, err := strconv.ParseInt(claims.Subject, 10, 64)
	if err != nil || id <= 0 || strconv.FormatInt(id, 10) != claims.Subject {
		return 0, ErrBadToken
	}
	if t.checked != nil {
		t.checked.Set(token, good{userID: id, expires: claims.ExpiresAt.Time})
	}
	return id, nil
}

// key hands the key to the parser, which has checked the algorithm before.
func (t *Tokens) key(*jwt.Token) (any, error) { return t.secret, nil }
