// Command video runs the video service on its own: it listens for RPC and registers in etcd.
package main

import "tiktok/cmd/video/program"

func main() { program.Main() }
