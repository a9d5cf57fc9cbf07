package auth

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	testSecret = []byte("0123456789abcdef0123456789abcdef")
	start      = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
)

func clock(at *time.Time) func() time.Time { return func() time.Time { return *at } }

func TestTokenRoundTrip(t *testing.T) {
	now := start
	tokens := newTokens(testSecret, time.Hour, clock(&now))
	for _, id := range []int64{1, 42, 1<<53 + 1, math.MaxInt64} {
		for _, session := range []int64{0, 1, id} {
			token, err := tokens.Issue(id, session)
			if err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(token, "+/= &?%") {
				t.Errorf("token is not safe in a URL: %s", token)
			}
			if len(token) > 300 {
				t.Errorf("token has %d bytes", len(token))
			}
			for range 2 { // checked, and remembered
				user, got, err := tokens.Parse(token)
				if err != nil || user != id || got != session {
					t.Errorf("Parse = %d, %d, %v; want %d, %d", user, got, err, id, session)
				}
			}
		}
	}
}

func TestTokenExpires(t *testing.T) {
	now := start
	tokens := newTokens(testSecret, time.Hour, clock(&now))
	token, err := tokens.Issue(7, 8)
	if err != nil {
		t.Fatal(err)
	}
	now = start.Add(time.Hour - time.Second)
	if _, _, err := tokens.Parse(token); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	now = start.Add(time.Hour)
	if _, _, err := tokens.Parse(token); !errors.Is(err, ErrBadToken) {
		t.Errorf("at its end: %v, want ErrBadToken", err)
	}
}

func TestIssueRefuses(t *testing.T) {
	tokens := NewTokens(testSecret, time.Hour)
	for _, id := range []int64{0, -1, math.MinInt64} {
		if token, err := tokens.Issue(id, 1); err == nil {
			t.Errorf("Issue(%d, 1) = %q, want an error", id, token)
		}
	}
	if token, err := tokens.Issue(1, -1); err == nil {
		t.Errorf("Issue(1, -1) = %q, want an error", token)
	}
	for _, secret := range [][]byte{nil, {}, testSecret[:31]} {
		weak := NewTokens(secret, time.Hour)
		if token, err := weak.Issue(1, 1); err == nil {
			t.Errorf("Issue with a key of %d bytes = %q, want an error", len(secret), token)
		}
	}
}

// sign makes tokens that Issue never would.
func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.Claims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// signAs is sign with a key id.
func signAs(t *testing.T, kid any, key []byte, claims jwt.Claims) string {
	t.Helper()
	unsigned := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	unsigned.Header["kid"] = kid
	token, err := unsigned.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A key is rotated without ending a session, and its tokens end when it is taken away.
func TestKeysRotate(t *testing.T) {
	now := start
	first, second, third := testSecret, []byte(strings.Repeat("second", 6)), []byte(strings.Repeat("third!", 6))
	was := newTokens(first, time.Hour, clock(&now))
	token, err := was.Issue(5, 6)
	if err != nil {
		t.Fatal(err)
	}
	nameless := sign(t, jwt.SigningMethodHS256, first, jwt.MapClaims{"iss": "tiktok", "sub": "5", "exp": start.Add(time.Hour).Unix()})
	reads := func(what string, tokens *Tokens, token string, want bool) {
		t.Helper()
		if user, _, err := tokens.Parse(token); (err == nil) != want || want && user != 5 {
			t.Errorf("%s: Parse = %d, %v", what, user, err)
		}
	}
	both := newTokens(second, time.Hour, clock(&now), []byte("too short"), third, first)
	reads("signed with the old key", both, token, true)
	reads("of before key ids", both, nameless, true)
	fresh, err := both.Issue(5, 7)
	if err != nil {
		t.Fatal(err)
	}
	reads("the new key's", both, fresh, true)
	reads("the new key's, at a gateway that signs with the old one", newTokens(first, time.Hour, clock(&now), second), fresh, true)
	reads("the new key's, at a gateway that has not got it", was, fresh, false)
	after := newTokens(second, time.Hour, clock(&now))
	reads("without the old key", after, token, false)
	reads("of before key ids, without the old key", after, nameless, false)
	reads("the new key's, without the old one", after, fresh, true)
	claims := jwt.MapClaims{"iss": "tiktok", "sub": "5", "exp": start.Add(time.Hour).Unix()}
	reads("another key under the name of one", both, signAs(t, KeyID(second), first, claims), false)
}

// Revocations are remembered as long as a token of today lives: no older one may live longer.
func TestTokensEndWithALowerTTL(t *testing.T) {
	now := start
	token, err := newTokens(testSecret, 24*time.Hour, clock(&now)).Issue(5, 6)
	if err != nil {
		t.Fatal(err)
	}
	lower := newTokens(testSecret, time.Hour, clock(&now))
	now = start.Add(time.Hour - time.Second)
	for range 2 {
		if _, _, err := lower.Parse(token); err != nil {
			t.Errorf("before the end: %v", err)
		}
	}
	now = start.Add(time.Hour)
	if _, _, err := lower.Parse(token); !errors.Is(err, ErrBadToken) {
		t.Errorf("at the end: %v, want ErrBadToken", err)
	}
}

func TestParseRefuses(t *testing.T) {
	now := start
	tokens := newTokens(testSecret, time.Hour, clock(&now))
	good, err := tokens.Issue(5, 6)
	if err != nil {
		t.Fatal(err)
	}
	claims := func(change func(c jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"iss": "tiktok", "sub": "5", "exp": start.Add(time.Hour).Unix()}
		change(c)
		return c
	}
	same := func(jwt.MapClaims) {}
	subject := func(s any) string {
		return sign(t, jwt.SigningMethodHS256, testSecret, claims(func(c jwt.MapClaims) { c["sub"] = s }))
	}
	if id, _, err := tokens.Parse(subject("5")); err != nil || id != 5 {
		t.Fatalf("the base of the cases below is refused: %d, %v", id, err)
	}
	session := func(s any) string {
		return sign(t, jwt.SigningMethodHS256, testSecret, claims(func(c jwt.MapClaims) { c["sid"] = s }))
	}
	if id, got, err := tokens.Parse(session("9")); err != nil || id != 5 || got != 9 {
		t.Fatalf("the base of the cases below is refused: %d, %d, %v", id, got, err)
	}
	parts := strings.Split(good, ".")
	enc := base64.RawURLEncoding
	cases := map[string]string{
		"empty":           "",
		"garbage":         "hello",
		"dots":            "..",
		"bearer prefix":   "Bearer " + good,
		"trailing dot":    good + ".",
		"trailing byte":   good + "A",
		"padding":         good + "=",
		"white space":     " " + good,
		"too long":        good + strings.Repeat("A", maxToken),
		"binary":          "\x00\xff\xfe",
		"no signature":    parts[0] + "." + parts[1] + ".",
		"other signature": parts[0] + "." + parts[1] + "." + enc.EncodeToString(make([]byte, 32)),
		"other body":      parts[0] + "." + enc.EncodeToString([]byte(`{"iss":"tiktok","sub":"6","exp":99999999999}`)) + "." + parts[2],
		"none":            sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(same)),
		"HS384":           sign(t, jwt.SigningMethodHS384, testSecret, claims(same)),
		"HS512":           sign(t, jwt.SigningMethodHS512, testSecret, claims(same)),
		"other key":       sign(t, jwt.SigningMethodHS256, []byte("another key, and long enough too"), claims(same)),
		"other issuer":    sign(t, jwt.SigningMethodHS256, testSecret, claims(func(c jwt.MapClaims) { c["iss"] = "someone" })),
		"no issuer":       sign(t, jwt.SigningMethodHS256, testSecret, claims(func(c jwt.MapClaims) { delete(c, "iss") })),
		"no expiry":       sign(t, jwt.SigningMethodHS256, testSecret, claims(func(c jwt.MapClaims) { delete(c, "exp") })),
		"zero expiry":     sign(t, jwt.SigningMethodHS256, testSecret, claims(func(c jwt.MapClaims) { c["exp"] = 0 })),
		"text expiry":     sign(t, jwt.SigningMethodHS256, testSecret, claims(func(c jwt.MapClaims) { c["exp"] = "never" })),
		"not yet valid": sign(
			t,
			jwt.SigningMethodHS256,
			testSecret,
			claims(func(c jwt.MapClaims) { c["nbf"] = start.Add(time.Minute).Unix() }),
		),
		"no subject":       sign(t, jwt.SigningMethodHS256, testSecret, claims(func(c jwt.MapClaims) { delete(c, "sub") })),
		"number subject":   subject(5),
		"empty subject":    subject(""),
		"zero subject":     subject("0"),
		"negative subject": subject("-5"),
		"plus subject":     subject("+5"),
		"padded subject":   subject("05"),
		"float subject":    subject("5.0"),
		"hex subject":      subject("0x5"),
		"huge subject":     subject("9223372036854775808"),
		"name subject":     subject("bob"),
		"number session":   session(9),
		"zero session":     session("0"),
		"negative session": session("-9"),
		"padded session":   session("09"),
		"huge session":     session("9223372036854775808"),
		"other key id":     signAs(t, "00000000", testSecret, claims(same)),
		"number key id":    signAs(t, 7, testSecret, claims(same)),
		"key id of none":   signAs(t, nil, testSecret, claims(same)),
	}
	for name, token := range cases {
		t.Run(name, func(t *testing.T) {
			id, session, err := tokens.Parse(token)
			if id != 0 || session != 0 || err != ErrBadToken { //nolint:errorlint // exactly this value: nothing may be wrapped around it
				t.Errorf("Parse = %d, %v; want 0, ErrBadToken", id, err)
			}
		})
	}
	t.Run("weak key", func(t *testing.T) {
		weak := newTokens(testSecret[:8], time.Hour, clock(&now))
		token := sign(t, jwt.SigningMethodHS256, testSecret[:8], claims(same))
		if id, _, err := weak.Parse(token); !errors.Is(err, ErrBadToken) {
			t.Errorf("Parse = %d, %v; want ErrBadToken", id, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	now := start
	tokens := newTokens(testSecret, time.Hour, clock(&now))
	good, err := tokens.Issue(5, 6)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{good, "", "..", good[:len(good)-1], "a.b.c", strings.Repeat("A", 2000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		id, session, err := tokens.Parse(token)
		if token == good {
			if id != 5 || session != 6 || err != nil {
				t.Errorf("Parse(good) = %d, %v", id, err)
			}
			return
		}
		if id != 0 || !errors.Is(err, ErrBadToken) {
			t.Errorf("Parse(%q) = %d, %v; want ErrBadToken", token, id, err)
		}
	})
}
