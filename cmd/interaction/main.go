// Command interaction runs the interaction service on its own: it listens for RPC and registers in etcd.
package main

import "tiktok/cmd/interaction/program"

func main() { program.Main() }
