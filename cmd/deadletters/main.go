// Command deadletters shows the events that the writer gave up, sends them back to it, or removes them.
package main

import "tiktok/cmd/deadletters/program"

func main() { program.Main() }
