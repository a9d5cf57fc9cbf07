// Command user runs the user service on its own: it listens for RPC and registers in etcd.
package main

import "tiktok/cmd/user/program"

func main() { program.Main() }
