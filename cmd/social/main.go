// Command social runs the social service on its own: it listens for RPC and registers in etcd.
package main

import "tiktok/cmd/social/program"

func main() { program.Main() }
