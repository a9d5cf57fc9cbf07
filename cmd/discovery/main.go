// Command discovery runs the discovery service on its own: it listens for RPC and registers in etcd. It is "tiktok discovery".
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main("discovery") }
