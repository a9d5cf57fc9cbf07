// Command chat runs the chat service on its own: it listens for RPC and registers in etcd.
package main

import "tiktok/cmd/chat/program"

func main() { program.Main() }
