// Command video runs the video service on its own: it listens for RPC and registers in etcd. It is "tiktok video".
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main("video") }
