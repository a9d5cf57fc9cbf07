package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"tiktok/pkg/fair"
)

// Argon2id at OWASP's minimum. It was chosen over bcrypt at cost 10 because it takes passwords of any length as they
// are (bcrypt refuses more than 72 bytes, 25 Chinese characters), costs an attacker memory, and still takes this server
// less time per login. Its price is 19 MiB while one hash is computed, which is why a Hasher bounds how many are.
const (
	argonMemoryKiB = 19 * 1024
	argonTime      = 2
	argonThreads   = 1
	argonSaltBytes = 16
	argonKeyBytes  = 32
)

// ErrBadHash says that a stored hash is not one that Hash made.
var ErrBadHash = errors.New("malformed password hash")

// ErrTooMany says that so many of the same client wait for a hash that one more could not be answered in time. That too
// many wait in all is fair.ErrBusy.
var ErrTooMany = errors.New("too many password hashes wait for one client")

// maxWaiting bounds those who wait for a hash in all: about 40 MB with their requests.
const maxWaiting = 2048

// Hasher hashes passwords with argon2id, at most so many at a time, so that a storm of logins takes bounded memory
// (19 MiB each) and leaves the rest waiting instead of killing the process. Clients (networks) take turns: a hundred who
// wait from one of them delay another one by a single hash. Who could not have theirs before their deadline is told at
// once, by how long hashes take here and how many come before. It is safe for concurrent use.
type Hasher struct {
	queue *fair.Queue[string]
	slots int
	took  atomic.Int64 // moving average of a hash's time, nanoseconds
}

// usual is how long a hash takes on a busy server, until this one has made some.
const usual = 30 * time.Millisecond

// NewHasher allows maxParallel hashes at a time; 0 or less is one per CPU but one, which is left to everything else: a
// hash keeps its CPU for milliseconds at a time, and who reads the feed would wait behind it.
func NewHasher(maxParallel int) *Hasher {
	if maxParallel <= 0 {
		maxParallel = max(1, runtime.GOMAXPROCS(0)-1)
	}
	h := &Hasher{queue: fair.New[string](fair.Config{Slots: maxParallel, Waiting: maxWaiting}), slots: maxParallel}
	h.took.Store(int64(usual))
	return h
}

// Waiting is how many wait for a hash now.
func (h *Hasher) Waiting() int { return h.queue.Waiting() }

// Hash returns the hash of the password with a fresh salt, in the usual text form ($argon2id$v=19$m=19456,t=2,p=1$…), 97
// bytes of ASCII. client is for whom, as package clientnet names it; any text will do. Errors are ErrTooMany and fair.ErrBusy,
// at once, and that of ctx, when it ends before a slot is free.
func (h *Hasher) Hash(ctx context.Context, client, password string) (string, error) {
	salt := make([]byte, argonSaltBytes)
	_, _ = rand.Read(salt) // never fails
	p := params{memory: argonMemoryKiB, time: argonTime, threads: argonThreads, salt: salt}
	key, err := h.derive(ctx, client, password, p, argonKeyBytes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$%s$%s$%s", argon2.Version, costs(p.memory, p.time, uint32(p.threads)),
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// Verify reports whether the hash was made from the password, comparing in constant time. The hash "" stands for a user
// that does not exist: the answer is false, and takes as long as for one that does, so that nobody can find out names
// by the clock. Errors are those of Hash, and ErrBadHash.
func (h *Hasher) Verify(ctx context.Context, client, hash, password string) (bool, error) {
	if hash == "" {
		nobody := params{memory: argonMemoryKiB, time: argonTime, threads: argonThreads, salt: make([]byte, argonSaltBytes)}
		_, err := h.derive(ctx, client, password, nobody, argonKeyBytes)
		return false, err
	}
	p, want, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	got, err := h.derive(ctx, client, password, p, len(want))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// derive waits for a slot and computes.
func (h *Hasher) derive(ctx context.Context, client, password string, p params, keyBytes int) ([]byte, error) {
	w, err := h.inTime(ctx, client)
	if err != nil {
		return nil, err
	}
	release, err := h.queue.Acquire(ctx, client)
	if err != nil {
		return nil, err
	}
	defer release()
	began := time.Now()
	if w.tooLate(began.Add(time.Duration(h.took.Load()))) {
		return nil, w.refusal
	}
	key := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(keyBytes))
	h.measured(time.Since(began))
	return key, nil
}

// wait is until when a caller's hash is of use, and what they are told when it cannot be made by then.
type wait struct {
	latest  time.Time // zero: whenever it is made
	refusal error
}

func (w wait) tooLate(done time.Time) bool { return !w.latest.IsZero() && done.After(w.latest) }

// inTime is an error when those who come before are so many that the deadline of ctx would pass. A fifth of the time is left for who joins
// later under other clients, and for everything after the hash. It is an estimate: whose turn comes later than that is refused then.
func (h *Hasher) inTime(ctx context.Context, client string) (wait, error) {
	deadline, ok := ctx.Deadline()
	ahead, ofClient := h.queue.Ahead(client)
	if !ok || ahead == 0 {
		return wait{}, nil
	}
	now := time.Now()
	w := wait{latest: now.Add(deadline.Sub(now) * 4 / 5), refusal: fair.ErrBusy}
	if ofClient > 0 {
		w.refusal = ErrTooMany
	}
	if w.tooLate(now.Add(time.Duration(ahead/h.slots+1) * time.Duration(h.took.Load()))) {
		return wait{}, w.refusal
	}
	return w, nil
}

// measured moves the average by an eighth. Of two at once one may be lost, which does not matter.
func (h *Hasher) measured(took time.Duration) {
	old := time.Duration(h.took.Load())
	h.took.Store(int64(old + (took-old)/8))
}

// params are the inputs of argon2id other than the password.
type params struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
	salt    []byte
}

func costs(memory, time, threads uint32) string {
	return fmt.Sprintf("m=%d,t=%d,p=%d", memory, time, threads)
}

// parseHash reads the text form. It accepts other costs than ours, so that the cost can be raised while old hashes still
// work, but none so high that one row could stop the server.
func parseHash(hash string) (params, []byte, error) {
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" {
		return params{}, nil, ErrBadHash
	}
	if fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return params{}, nil, ErrBadHash
	}
	var memory, time, threads uint32
	_, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &memory, &time, &threads)
	if err != nil || fields[3] != costs(memory, time, threads) {
		return params{}, nil, ErrBadHash
	}
	salt, err := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	if err != nil {
		return params{}, nil, ErrBadHash
	}
	key, err := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	if err != nil {
		return params{}, nil, ErrBadHash
	}
	switch {
	case memory < 8 || memory > 256*1024, time < 1 || time > 16, threads < 1 || threads > math.MaxUint8,
		len(salt) < 8 || len(salt) > 64, len(key) < 16 || len(key) > 64:
		return params{}, nil, ErrBadHash
	}
	return params{memory: memory, time: time, threads: uint8(threads), salt: salt}, key, nil
}
