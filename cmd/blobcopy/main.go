// Command blobcopy copies all objects between the blob store and a folder: the backup of media, and its restore.
package main

import "tiktok/cmd/blobcopy/program"

func main() { program.Main() }
