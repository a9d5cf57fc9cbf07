// Command tiktok runs the whole product in one process: the gateway and the five services, on embedded storage unless
// the settings say otherwise.
package main

import "tiktok/cmd/tiktok/program"

func main() { program.Main() }
