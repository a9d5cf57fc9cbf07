// Command etcdlogin makes the account by which the processes log in at etcd, and turns logins on.
package main

import "tiktok/cmd/etcdlogin/program"

func main() { program.Main() }
