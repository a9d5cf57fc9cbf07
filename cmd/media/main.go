// Command media does the work on videos in a process of its own (media.separate). It is "tiktok media".
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main("media") }
