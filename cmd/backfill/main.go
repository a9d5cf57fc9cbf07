// Command backfill queues what could not be made of videos when they were uploaded, because there was no ffmpeg.
package main

import "tiktok/cmd/backfill/program"

func main() { program.Main() }
