// Package idempotency remembers which requests were carried out with which key, so that a client whose answer was lost can repeat its
// request: it gets the answer of the first time, and nothing is done twice.
//
// A service writes a Row in the transaction of what the request makes, into the table request_keys of its own schema: the unique key
// decides between two requests with one key at the same moment. A request without a key has no row and costs nothing.
package idempotency

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"tiktok/pkg/errno"
)

const (
	// Remembered is for how long a key is remembered.
	Remembered = 24 * time.Hour
	// MinLength and MaxLength bound a key, in bytes.
	MinLength, MaxLength = 8, 128
)

// Check fails with errno.InvalidArgument for what cannot be a key. "" is no key, and fine.
func Check(key string) error {
	bad := key != "" && (len(key) < MinLength || len(key) > MaxLength)
	for i := 0; i < len(key) && !bad; i++ {
		bad = key[i] <= ' ' || key[i] > '~'
	}
	if bad {
		return errno.InvalidArgument.With("Idempotency-Key has to be " + strconv.Itoa(MinLength) + " to " + strconv.Itoa(MaxLength) +
			" visible ASCII characters without spaces")
	}
	return nil
}

// Request is a request with a key.
type Request struct {
	// Owner is the id by which the rows of what the request makes are sharded, User who asks: keys are theirs.
	Owner, User int64
	// KeyHash is of the key, and Digest of what is asked for with it.
	KeyHash, Digest int64
}

// New is the request of a user with a key, or nil without one. digest is that of what is asked for.
func New(owner, user int64, key string, digest int64) *Request {
	if key == "" {
		return nil
	}
	return &Request{Owner: owner, User: user, KeyHash: Digest(key), Digest: digest}
}

// Digest is a number that tells texts apart. In 64 bits two requests of one user will not meet by chance, and who makes them meet only
// gets an answer of their own.
func Digest(texts ...string) int64 {
	h := sha256.New()
	var size [8]byte
	for _, t := range texts {
		binary.BigEndian.PutUint64(size[:], uint64(len(t)))
		_, _ = h.Write(size[:])
		_, _ = h.Write([]byte(t)) // a hash takes everything
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil))) //nolint:gosec // all 64 bits are wanted
}

// Row is what is remembered of a request.
type Row struct {
	OwnerID int64 `gorm:"column:owner_id"`
	UserID  int64 `gorm:"column:user_id;primaryKey;autoIncrement:false"`
	KeyHash int64 `gorm:"column:key_hash;primaryKey;autoIncrement:false"`
	Digest  int64 `gorm:"column:digest"`
	// ResultID is what the request has made.
	ResultID int64 `gorm:"column:result_id"`
	AtMs     int64 `gorm:"column:at_ms"`
}

// TableName is request_keys.
func (Row) TableName() string { return table }

// Row is the row of a request that makes something at a time, in milliseconds since 1970.
func (r Request) Row(resultID, atMs int64) Row {
	return Row{OwnerID: r.Owner, UserID: r.User, KeyHash: r.KeyHash, Digest: r.Digest, ResultID: resultID, AtMs: atMs}
}

// Answers reports whether the row still stands for a request with its key at a time. It fails with errno.IdempotencyKeyReused when
// that asks for something else.
func (row Row) Answers(r Request, atMs int64) (bool, error) {
	if row.Expired(atMs) {
		return false, nil
	}
	if row.OwnerID != r.Owner || row.Digest != r.Digest {
		return false, errno.IdempotencyKeyReused
	}
	return true, nil
}

// Expired reports whether the row is no longer remembered at a time.
func (row Row) Expired(atMs int64) bool { return atMs-row.AtMs > Remembered.Milliseconds() }
