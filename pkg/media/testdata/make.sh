#!/bin/sh
# Makes the small videos of the tests anew.
set -eu
cd "$(dirname "$0")"
make() { # size, name, options
  size=$1 name=$2
  shift 2
  ffmpeg -nostdin -v error -y -f lavfi -i "testsrc2=size=$size:rate=24:duration=1" -f lavfi -i "sine=frequency=440:duration=1" \
    -c:v libx264 -preset slow -crf 38 -pix_fmt yuv420p -c:a aac -b:a 32k -fflags +bitexact -flags:v +bitexact -flags:a +bitexact "$@" "$name"
}
make 180x320 portrait.mp4 -movflags +faststart
make 320x180 landscape.mp4
make 320x180 silent.mp4 -an
make 320x240 odd.mp4 -vf scale=321:241 -pix_fmt yuv444p -movflags +faststart
make 320x180 tenbit.mp4 -pix_fmt yuv420p10le -movflags +faststart
make 320x180 camera.mov -timecode 00:00:00:00 -metadata location=+48.8584+002.2945/
make 320x180 hevc.mp4 -c:v libx265 -x265-params log-level=none -tag:v hvc1
make 320x180 fragmented.mp4 -movflags +frag_keyframe+empty_moov
make 320x180 clip.webm -c:v libvpx-vp9 -b:v 60k -crf 50 -c:a libopus -strict -2
make 320x180 clip.mkv -vcodec mpeg4 -q:v 20 -c:a libmp3lame
make 320x180 clip.avi -vcodec mpeg4 -q:v 20 -c:a libmp3lame
ffmpeg -nostdin -v error -y -i landscape.mp4 -c copy -metadata:s:v rotate=90 -fflags +bitexact rotated.mp4
ffmpeg -nostdin -v error -y -i landscape.mp4 -c copy -timecode 00:00:00:00 -movflags +faststart -fflags +bitexact data.mp4
ffmpeg -nostdin -v error -y -f lavfi -i "color=black:size=160x90:rate=10:duration=1" -f lavfi -i "testsrc2=size=160x90:rate=10:duration=3" \
  -filter_complex "[0][1]concat,format=yuv420p" -c:v libx264 -crf 38 -fflags +bitexact -flags:v +bitexact black.mp4
ffmpeg -nostdin -v error -y -i landscape.mp4 -map 0:a -c copy -fflags +bitexact sound.mp4
