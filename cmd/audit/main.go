// Command audit recounts every counter of a deployment's stores and compares. It exits 1 when one differs.
package main

import "tiktok/cmd/audit/program"

func main() { program.Main() }
