package auth

import (
	_ "embed"
	"strings"
)

//go:embed common.txt
var commonPasswords string

// CommonPassword reports whether the password is one of the ten thousand that guessers try first, in upper or lower case.
func CommonPassword(password string) bool {
	_, list, _ := strings.Cut(commonPasswords, "\n\n")
	return !strings.Contains(password, "\n") && strings.Contains("\n"+list, "\n"+strings.ToLower(password)+"\n")
}
