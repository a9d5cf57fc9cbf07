package auth

import (
	"strings"
	"testing"
)

func TestCommonPassword(t *testing.T) {
	for _, common := range []string{
		"123456", "password", "PassWord", "password1", "qwerty", "michael", "woaini", "5201314", "a123456", "dragon", "zxcvbnm",
	} {
		if !CommonPassword(common) {
			t.Errorf("%q is not in the list", common)
		}
	}
	for _, good := range []string{
		"", "\n", "123456\npassword", "a long walk", "correct horse", "密码密码密码", "licence",
		"permission is hereby granted, free of charge, to any person obtaining", "passwordpass",
		strings.Repeat("x", 32),
	} {
		if CommonPassword(good) {
			t.Errorf("%q is in the list", good)
		}
	}
	if _, list, _ := strings.Cut(commonPasswords, "\n\n"); strings.Count(list, "\n") < 10_000 {
		t.Errorf("the list has %d passwords", strings.Count(list, "\n"))
	}
}
