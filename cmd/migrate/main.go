// Command migrate brings the schemas of all services up to date and ends: what a rollout runs before it replaces the
// first process. Several may run at once.
package main

import "tiktok/cmd/migrate/program"

func main() { program.Main() }
