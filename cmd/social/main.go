// Command social runs the social service on its own: it listens for RPC and registers in etcd. It is "tiktok social".
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main("social") }
