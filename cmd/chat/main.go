// Command chat runs the chat service on its own: it listens for RPC and registers in etcd. It is "tiktok chat".
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main("chat") }
