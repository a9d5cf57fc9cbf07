package auth

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tiktok/pkg/fair"
)

func TestPasswordRoundTrip(t *testing.T) {
	h := NewHasher(0)
	long := strings.Repeat("密", 500)
	for _, password := range []string{"douyin", "p", "", "密码密码密码密码", "with\x00nul", long} {
		hash, err := h.Hash(t.Context(), "", password)
		if err != nil {
			t.Fatal(err)
		}
		if len(hash) != 97 {
			t.Errorf("hash has %d bytes, the comment says 97", len(hash))
		}
		if ok, err := h.Verify(t.Context(), "", hash, password); !ok || err != nil {
			t.Errorf("Verify(%q) = %v, %v; want true", password, ok, err)
		}
		if ok, err := h.Verify(t.Context(), "", hash, password+"x"); ok || err != nil {
			t.Errorf("Verify(%q) = %v, %v; want false", password+"x", ok, err)
		}
	}
	// Past the 72 bytes that bcrypt would look at.
	hash, err := h.Hash(t.Context(), "", long+"a")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := h.Verify(t.Context(), "", hash, long+"b"); ok {
		t.Error("the end of a long password does not count")
	}
}

func TestHashIsSalted(t *testing.T) {
	h := NewHasher(1)
	a, errA := h.Hash(t.Context(), "", "same")
	b, errB := h.Hash(t.Context(), "", "same")
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if a == b {
		t.Error("one password, two times the same hash")
	}
}

func TestVerifyUnknownUser(t *testing.T) {
	h := NewHasher(1)
	for _, password := range []string{"", "guess"} {
		if ok, err := h.Verify(t.Context(), "", "", password); ok || err != nil {
			t.Errorf("Verify(unknown, %q) = %v, %v; want false", password, ok, err)
		}
	}
	// The same work, measured by the memory that argon2 asks for: a clock tells little on a busy machine.
	hash, err := h.Hash(t.Context(), "", "secret")
	if err != nil {
		t.Fatal(err)
	}
	known, unknown := memoryOf(t, h, hash), memoryOf(t, h, "")
	if known < argonMemoryKiB<<10 || unknown < known*9/10 || unknown > known*11/10 {
		t.Errorf("wrong password takes %d bytes, unknown user %d", known, unknown)
	}
}

func memoryOf(t *testing.T, h *Hasher, hash string) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := h.Verify(t.Context(), "", hash, "guess"); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestVerifyRefusesMalformedHash(t *testing.T) {
	h := NewHasher(1)
	good, err := h.Hash(t.Context(), "", "x")
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{
		"x", "$", "$$$$$", "$2a$10$abcdefghijklmnopqrstuv", good + "$", good[1:],
		strings.Replace(good, "argon2id", "argon2i", 1),
		strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=19456", "m=1", 1),
		strings.Replace(good, "m=19456", "m=4294967295", 1), // 4 TiB
		strings.Replace(good, "t=2", "t=0", 1),
		strings.Replace(good, "t=2", "t=4000000000", 1),
		strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=256", 1),
		strings.Replace(good, "p=1", "p=1 ", 1),
		strings.Replace(good, "p=1", "p=01", 1),
		good[:len(good)-30],
		good[:strings.LastIndex(good, "$")+1],
	} {
		if ok, err := h.Verify(t.Context(), "", hash, "x"); ok || !errors.Is(err, ErrBadHash) {
			t.Errorf("Verify(%q) = %v, %v; want ErrBadHash", hash, ok, err)
		}
	}
	// Another cost is fine: it may have been ours once.
	const old = "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$ZmFrZWtleWZha2VrZXlmYWtla2V5ZmFrZWtleTEyMzQ"
	if ok, err := h.Verify(t.Context(), "", old, "x"); ok || err != nil {
		t.Errorf("another cost: %v, %v; want false", ok, err)
	}
}

func TestHasherIsBounded(t *testing.T) {
	h := NewHasher(1)
	release, err := h.queue.Acquire(t.Context(), "somebody") // who is hashing
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := h.Hash(ctx, "", "x"); !errors.Is(err, context.Canceled) {
				t.Errorf("Hash without a slot = %v, want context.Canceled", err)
			}
			if _, err := h.Verify(ctx, "", "", "x"); !errors.Is(err, context.Canceled) {
				t.Errorf("Verify without a slot = %v, want context.Canceled", err)
			}
		})
	}
	cancel()
	wg.Wait()
	release()
	if _, err := h.Hash(t.Context(), "", "x"); err != nil {
		t.Errorf("after the slot is free: %v", err)
	}
	if ahead, _ := h.queue.Ahead(""); ahead != 0 {
		t.Errorf("%d slots are still taken", ahead)
	}
}

// Many from one network must not make another one wait for all of them.
func TestClientsTakeTurns(t *testing.T) {
	const crowd = 40
	h := NewHasher(1)
	release, err := h.queue.Acquire(t.Context(), "first")
	if err != nil {
		t.Fatal(err)
	}
	var before atomic.Int64 // hashes of the crowd that ended before the bystander's
	var wg sync.WaitGroup
	hash := func(client string, done func()) {
		waiting := h.Waiting()
		wg.Go(func() {
			if _, err := h.Hash(t.Context(), client, "x"); err != nil {
				t.Error(err)
			}
			done()
		})
		for h.Waiting() == waiting {
			runtime.Gosched()
		}
	}
	for range crowd {
		hash("crowd", func() { before.Add(1) })
	}
	var seen int64
	hash("bystander", func() { seen = before.Load() })
	release()
	wg.Wait()
	// One was before, and another one may end before this test looks.
	if seen > 4 {
		t.Errorf("the bystander waited for %d hashes of the crowd", seen)
	}
}

// Who could not be served before the deadline is told so at once, and others are served.
func TestHashesAreRefusedAtOnce(t *testing.T) {
	const crowd = 300
	h := NewHasher(1)
	for range 10 { // how long it takes here
		if _, err := h.Hash(t.Context(), "", "x"); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Duration(h.took.Load())
	ctx, cancel := context.WithTimeout(t.Context(), 60*took) // for less than 48 of them
	defer cancel()
	release, err := h.queue.Acquire(t.Context(), "first")
	if err != nil {
		t.Fatal(err)
	}
	var ok, refused, late atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range crowd {
		wg.Go(func() {
			switch _, err := h.Hash(ctx, "crowd", "x"); {
			case err == nil:
				ok.Add(1)
			case errors.Is(err, ErrTooMany):
				refused.Add(1)
			case errors.Is(err, context.DeadlineExceeded):
				late.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	for refused.Load()+int64(h.Waiting()) < crowd && time.Since(began) < 30*took {
		runtime.Gosched()
	}
	if n := refused.Load(); n < crowd-60 {
		t.Errorf("%d of %d were refused at once, want all but 48", n, crowd)
	}
	release()
	if _, err := h.Verify(ctx, "bystander", "", "x"); err != nil {
		t.Errorf("another client: %v", err)
	}
	wg.Wait()
	t.Logf("%d hashed, %d refused, %d too late", ok.Load(), refused.Load(), late.Load())
	if ok.Load() == 0 {
		t.Error("nobody of the crowd was served")
	}
}

func TestBusyInAll(t *testing.T) {
	h := NewHasher(1)
	h.took.Store(int64(time.Minute))
	release, err := h.queue.Acquire(t.Context(), "first")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := h.Hash(ctx, "second", "x"); !errors.Is(err, fair.ErrBusy) {
		t.Errorf("got %v, want fair.ErrBusy: this client has nobody who waits", err)
	}
}

// Those who were before take longer than hashes did of late: whose turn comes too late for an answer is told so, and no hash is made.
func TestPasswordTurnTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHasher(1)
		h.took.Store(int64(time.Millisecond))
		release, err := h.queue.Acquire(t.Context(), "other")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		answer := make(chan error)
		for range 2 {
			go func() {
				_, err := h.Hash(ctx, "one", "douyin")
				answer <- err
			}()
			synctest.Wait()
		}
		<-time.After(900 * time.Millisecond)
		release()
		for range 2 { // they began with somebody else ahead, and with one of their own
			if err := <-answer; !errors.Is(err, fair.ErrBusy) && !errors.Is(err, ErrTooMany) {
				t.Errorf("answered with %v", err)
			}
		}
	})
}
