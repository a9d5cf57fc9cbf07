// Command api runs the HTTP gateway on its own: it finds the services in etcd. It is "tiktok api".
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main("api") }
