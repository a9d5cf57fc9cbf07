// Command interaction runs the interaction service on its own: it listens for RPC and registers in etcd. It is "tiktok interaction".
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main("interaction") }
