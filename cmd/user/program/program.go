// Package program is the command user, so that the image can hold all commands in one file.
package program

import "tiktok/cmd/services"

// Main is the program: it runs to its end and exits.
func Main() { services.Main("user") }
