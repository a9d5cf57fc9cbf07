// Command user runs the user service on its own: it listens for RPC and registers in etcd. It is "tiktok user".
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main("user") }
