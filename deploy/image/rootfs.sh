#!/bin/bash
# Fills the folder $1, which holds ffmpeg already, with the rest that the programs need: the libraries of ffmpeg, a shell,
# tini, certificates, an account. What each file is of is kept as dpkg does (status.d), for scanners and bills of material,
# and so are the licences. Runs as root in a container of Debian in which ffmpeg.sh has run; TARGETARCH as there.
set -euo pipefail
root=$1
arch=${TARGETARCH:-$(dpkg --print-architecture)}
triplet=$(dpkg-architecture -a "$arch" -q DEB_HOST_MULTIARCH)

# One tree, as Debian has it.
mkdir -p "$root"/usr/{bin,lib,lib64} "$root/etc/ssl/certs" "$root/var/lib/dpkg/status.d"
ln -s usr/bin "$root/bin"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"

note() { # PACKAGE: of whom a file is, under which licence
  local name=${1%%:*}
  dpkg-query -s "$1" >"$root/var/lib/dpkg/status.d/$name"
  install -D -m 644 "/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/copyright"
}

# take copies a library that a program asks for, and what that asks for.
take() { # PROGRAM
  local name file
  for name in $(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p'); do
    if [ -e "$root/usr/lib/$triplet/$name" ]; then continue; fi
    file=/lib/$triplet/$name
    [ -e "$file" ] || { echo "rootfs.sh: $1 needs $name, which is not here" >&2 && exit 1; }
    install -D -m 644 "$file" "$root/usr/lib/$triplet/$name"
    note "$(dpkg-query -S "$file" "/usr$file" 2>/dev/null | sed -n '1s/: .*//p')"
    take "$root/usr/lib/$triplet/$name"
  done
}
for file in "$root"/usr/bin/ff* "$root/usr/lib/$triplet"/lib*.so.*; do
  if [ ! -L "$file" ]; then take "$file"; fi
done
loader=$(readelf -l "$root/usr/bin/ffmpeg" | sed -n 's/.*interpreter: \(.*\)\]$/\1/p')
install -m 755 "$loader" "$root$loader"

# Programs that need no library.
work=$(mktemp -d)
cd "$work"
apt-get -q update
apt-get -q download "busybox-static:$arch" "tini:$arch"
for file in *.deb; do
  name=$(dpkg-deb -f "$file" Package)
  dpkg-deb -x "$file" "$name"
  { dpkg-deb -f "$file" && echo 'Status: install ok installed'; } >"$root/var/lib/dpkg/status.d/$name"
  install -D -m 644 "$name/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/copyright"
done
install -m 755 busybox-static/bin/busybox "$root/usr/bin/busybox"
install -m 755 tini/usr/bin/tini-static "$root/usr/bin/tini"
for name in cat chmod cp cut date df du env find free grep gzip head id kill less ln ls mkdir mkfifo mv netstat nslookup od ps pwd readlink \
  rm rmdir sed sh sleep sort stat tail timeout top touch tr uname uniq vi wc wget which xargs; do
  ln -s busybox "$root/usr/bin/$name"
done

DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends ca-certificates
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
note ca-certificates
cp -L /etc/os-release "$root/etc/os-release"
printf 'root:x:0:0:root:/:/bin/sh\ntiktok:x:10001:10001::/data:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\ntiktok:x:10001:\n' >"$root/etc/group"
install -d -m 1777 "$root/tmp"
install -d -o 10001 -g 10001 -m 0700 "$root/data"
