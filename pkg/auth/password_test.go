package auth

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestPasswordRoundTrip(t *testing.T) {
	h := NewHasher(0)
	long := strings.Repeat("密", 500)
	for _, password := range []string{"douyin", "p", "", "密码密码密码密码", "with\x00nul", long} {
		hash, err := h.Hash(t.Context(), password)
		if err != nil {
			t.Fatal(err)
		}
		if len(hash) != 97 {
			t.Errorf("hash has %d bytes, the comment says 97", len(hash))
		}
		if ok, err := h.Verify(t.Context(), hash, password); !ok || err != nil {
			t.Errorf("Verify(%q) = %v, %v; want true", password, ok, err)
		}
		if ok, err := h.Verify(t.Context(), hash, password+"x"); ok || err != nil {
			t.Errorf("Verify(%q) = %v, %v; want false", password+"x", ok, err)
		}
	}
	// Past the 72 bytes that bcrypt would look at.
	hash, err := h.Hash(t.Context(), long+"a")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := h.Verify(t.Context(), hash, long+"b"); ok {
		t.Error("the end of a long password does not count")
	}
}

func TestHashIsSalted(t *testing.T) {
	h := NewHasher(1)
	a, errA := h.Hash(t.Context(), "same")
	b, errB := h.Hash(t.Context(), "same")
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
		if ok, err := h.Verify(t.Context(), "", password); ok || err != nil {
			t.Errorf("Verify(unknown, %q) = %v, %v; want false", password, ok, err)
		}
	}
	// The same work, measured by the memory that argon2 asks for: a clock tells little on a busy machine.
	hash, err := h.Hash(t.Context(), "secret")
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
	if _, err := h.Verify(t.Context(), hash, "guess"); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestVerifyRefusesMalformedHash(t *testing.T) {
	h := NewHasher(1)
	good, err := h.Hash(t.Context(), "x")
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
		if ok, err := h.Verify(t.Context(), hash, "x"); ok || !errors.Is(err, ErrBadHash) {
			t.Errorf("Verify(%q) = %v, %v; want ErrBadHash", hash, ok, err)
		}
	}
	// Another cost is fine: it may have been ours once.
	const old = "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$ZmFrZWtleWZha2VrZXlmYWtla2V5ZmFrZWtleTEyMzQ"
	if ok, err := h.Verify(t.Context(), old, "x"); ok || err != nil {
		t.Errorf("another cost: %v, %v; want false", ok, err)
	}
}

func TestHasherIsBounded(t *testing.T) {
	h := NewHasher(1)
	h.slots <- struct{}{} // somebody is hashing
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := h.Hash(ctx, "x"); !errors.Is(err, context.Canceled) {
				t.Errorf("Hash without a slot = %v, want context.Canceled", err)
			}
			if _, err := h.Verify(ctx, "", "x"); !errors.Is(err, context.Canceled) {
				t.Errorf("Verify without a slot = %v, want context.Canceled", err)
			}
		})
	}
	cancel()
	wg.Wait()
	<-h.slots
	if _, err := h.Hash(t.Context(), "x"); err != nil {
		t.Errorf("after the slot is free: %v", err)
	}
	if len(h.slots) != 0 {
		t.Errorf("%d slots are still taken", len(h.slots))
	}
}
