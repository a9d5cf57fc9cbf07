// Command api runs the HTTP gateway on its own: it finds the five services in etcd.
package main

import "tiktok/cmd/api/program"

func main() { program.Main() }
