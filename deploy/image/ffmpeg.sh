#!/bin/bash
# Builds ffmpeg and ffprobe for the image from Debian's source package, with nothing but what pkg/media asks for: Debian's
# own package brings 400 MB of screens, sound cards and encoders, and reads formats that the product never lets it read.
# The compiler runs natively; TARGETARCH (amd64, arm64) may be another machine's. Runs as root in a container of Debian and
# writes to the folder $1.
set -euo pipefail
root=$1
arch=${TARGETARCH:-$(dpkg --print-architecture)}
export DEBIAN_FRONTEND=noninteractive

# The sources of whatever mirror this Debian uses.
for f in /etc/apt/sources.list.d/*.sources; do
  if [ -e "$f" ]; then sed -i 's/^Types: deb$/Types: deb deb-src/' "$f"; fi
done
if [ -s /etc/apt/sources.list ]; then sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >/etc/apt/sources.list.d/sources.list; fi

native=$(dpkg --print-architecture)
[ "$arch" = "$native" ] || dpkg --add-architecture "$arch"
apt-get -q update
apt-get -q install -y --no-install-recommends dpkg-dev
triplet=$(dpkg-architecture -a "$arch" -q DEB_HOST_MULTIARCH)
compiler=(gcc libc6-dev)
cross=()
if [ "$arch" != "$native" ]; then
  compiler+=("gcc-${triplet/_/-}" "libc6-dev-$arch-cross")
  cross=(--enable-cross-compile --target-os=linux --arch="${triplet%%-*}" --cross-prefix="$triplet-" --pkg-config=pkg-config)
  export PKG_CONFIG_LIBDIR=/usr/lib/$triplet/pkgconfig:/usr/share/pkgconfig
fi
apt-get -q install -y --no-install-recommends "${compiler[@]}" make nasm patch pkg-config xz-utils \
  {libx264,libwebp,libdav1d,libzimg,zlib1g}-dev:"$arch"

work=$(mktemp -d)
cd "$work"
apt-get -q source ffmpeg
cd ffmpeg-*/
# What pkg/media asks for, what ffmpeg puts in by itself (a phone held sideways, another sample format), pictures for tests,
# and what is likely next.
filters=scale,setsar,setdar,fps,format,split,asplit,null,anull,aformat,aresample,trim,atrim,setpts,asetpts,transpose,rotate,hflip,vflip
filters+=,testsrc2,sine,color,crop,pad,overlay,select,thumbnail,tile,colorspace,zscale,tonemap,setparams,volume,loudnorm,silencedetect
# Demuxers: those of pkg/media/input.go, and what its results are read with. Decoders: all that ffmpeg has itself, and AV1.
# Encoders, muxers, protocols: those of pkg/media, and what its tests make their films with, as is lavfi.
./configure --prefix=/usr --libdir="/usr/lib/$triplet" "${cross[@]}" --extra-version="$(dpkg-parsechangelog -S Version)" \
  --disable-static --enable-shared --disable-doc --disable-debug --disable-autodetect --disable-network --disable-ffplay \
  --disable-hwaccels --disable-indevs --disable-outdevs --enable-indev=lavfi \
  --enable-gpl --enable-libx264 --enable-libwebp --enable-libdav1d --enable-libzimg --enable-zlib \
  --disable-demuxers --enable-demuxer=mov,matroska,avi,flv,mpegts,mpegps,asf,ogg,hls,image2,image2pipe,mjpeg \
  --disable-muxers --enable-muxer=mp4,mov,hls,webp,image2,image2pipe,mjpeg,null,webm,matroska,mpegts,flv,avi,ogg,asf \
  --disable-encoders --enable-encoder=libx264,aac,mjpeg,libwebp,libwebp_anim,wrapped_avframe,rawvideo,pcm_s16le,mpeg4,mp2 \
  --disable-filters --enable-filter="$filters" --disable-protocols --enable-protocol=file,pipe
make -j"$(nproc)"
make install-progs install-libs DESTDIR="$root"
install -D -m 644 debian/copyright "$root/usr/share/doc/ffmpeg/copyright"
mkdir -p "$root/var/lib/dpkg/status.d"
printf 'Package: ffmpeg\nStatus: install ok installed\nArchitecture: %s\nVersion: %s\nDescription: built for this image from the source package\n' \
  "$arch" "$(dpkg-parsechangelog -S Version)" >"$root/var/lib/dpkg/status.d/ffmpeg"
cd /
rm -rf "$work"
