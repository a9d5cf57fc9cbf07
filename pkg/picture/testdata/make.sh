#!/bin/sh
# Makes the small pictures of the tests anew, with ffmpeg and libjpeg: 80 by 60 pixels in four quarters, red, green, blue, white.
set -eu
cd "$(dirname "$0")"
four='color=red:s=40x30[a];color=lime:s=40x30[b];color=blue:s=40x30[c];color=white:s=40x30[d];[a][b]hstack[u];[c][d]hstack[l];[u][l]vstack'
make() { # filter, name, options
  filter=$1 name=$2
  shift 2
  ffmpeg -nostdin -v error -y -filter_complex "$filter" -frames:v 1 -fflags +bitexact -flags:v +bitexact "$@" "$name"
}
make "$four,format=yuv420p" lossy.webp -c:v libwebp -q:v 90
make "$four,format=bgra" lossless.webp -c:v libwebp -lossless 1
# White is transparent here.
make "$four,format=rgba,colorkey=white:0.01" alpha.webp -c:v libwebp -q:v 90 -pix_fmt yuva420p
make "$four,format=rgb24" interlaced.png -c:v png -flags +ildct+bitexact
cc -o make make.c -ljpeg
./make
rm make
