#!/usr/bin/env bash
# Installs Debian's prometheus and prometheus-alertmanager (33 MB), for promtool and amtool and for the test that lets a
# real Prometheus scrape the product. Does nothing where they are, and does not start them.
set -euo pipefail
missing=()
command -v prometheus >/dev/null && command -v promtool >/dev/null || missing+=(prometheus)
command -v amtool >/dev/null || missing+=(prometheus-alertmanager)
[ ${#missing[@]} -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "please install: ${missing[*]}   (as root: apt-get install --no-install-recommends ${missing[*]})" >&2
  exit 1
fi
echo "prometheus: installing ${missing[*]}"
log=$(mktemp)
# The packages would start their services. 101 tells them not to.
policy=/usr/sbin/policy-rc.d
kept=
[ ! -e $policy ] || kept=$(mktemp)
[ -z "$kept" ] || cp -p $policy "$kept"
restore() {
  if [ -n "$kept" ]; then mv "$kept" $policy; else rm -f $policy; fi
  rm -f "$log"
}
trap restore EXIT
printf '#!/bin/sh\nexit 101\n' >$policy
chmod 755 $policy
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get -q update && apt-get -q install -y --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  exit 1
fi
