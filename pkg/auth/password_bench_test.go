package auth

import (
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// The two candidates, so that the choice can be checked on any machine.
func BenchmarkArgon2id(b *testing.B) {
	h := NewHasher(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "", "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBcrypt10(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := bcrypt.GenerateFromPassword([]byte("correct horse"), 10); err != nil {
			b.Fatal(err)
		}
	}
}
