// Command notice runs the notice service on its own: it listens for RPC and registers in etcd. It is "tiktok notice".
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main("notice") }
