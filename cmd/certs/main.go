// Command certs makes an authority and certificates for all services and servers, or renews them.
package main

import "tiktok/cmd/certs/program"

func main() { program.Main() }
