#!/bin/sh
# Draws the clips of this folder with ffmpeg. They are committed, so the tests do not need it.
# shellcheck disable=SC2086 # lists of arguments
set -eu
cd "$(dirname "$0")"
quiet="ffmpeg -hide_banner -loglevel error -y -bitexact"
picture="-f lavfi -i testsrc2=size=90x160:rate=10:duration=1"
sound="-f lavfi -i sine=frequency=440:duration=1"
small="-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact"
h264="-c:v libx264 -preset veryslow -crf 40 -pix_fmt yuv420p"
aac="-c:a aac -b:a 16k -ac 1"

# What the client uploads: H.264 and AAC, moov first.
$quiet $picture $sound -shortest $h264 $aac $small -movflags +faststart tiny.mp4
# The same with moov at the end, and in a QuickTime file, as phones record.
$quiet -i tiny.mp4 -c copy $small moov-last.mp4
$quiet -i tiny.mp4 -c copy $small phone.mov
# No sound.
$quiet $picture $h264 $small -movflags +faststart silent.mp4
# Refused: no picture, and codecs and containers that a phone's player does not know.
$quiet $sound $aac $small sound-only.mp4
$quiet $picture -c:v libx265 -preset ultrafast -crf 45 -x265-params log-level=none -tag:v hvc1 $small hevc.mp4
$quiet $picture -c:v libvpx -b:v 30k $small vp8.webm
