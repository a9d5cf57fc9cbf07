// Command tiktok is the whole product in one program. Without a command it runs gateway and services in one process, on
// embedded storage unless the settings say otherwise.
package main

import "tiktok/cmd/tiktok/cli"

func main() { cli.Main() }
