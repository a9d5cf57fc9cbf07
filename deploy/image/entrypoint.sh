#!/bin/sh
# What a container of the image runs.
#
#   (nothing), -FLAG …     the process that SERVICE names, with these flags: user, video, …, api; default tiktok, the all-in-one
#   tiktok [COMMAND] …     the all-in-one, or a command
#   COMMAND …              tiktok COMMAND …: a service, audit, migrate, dead-letters, blobs, certs, … (see tiktok --help)
#   healthcheck [ready]    asks the process of this container whether it lives, or whether it can serve
#   PROGRAM …              another program of the image, e.g. sh
#
# Settings: TIKTOK_… variables, and the file CONFIG_FILE, default /etc/tiktok/config.yaml if it is there.
set -eu
chosen=/tmp/tiktok.process # what the container began with, for its health check

config=${CONFIG_FILE:-}
if [ -z "$config" ] && [ -f /etc/tiktok/config.yaml ]; then config=/etc/tiktok/config.yaml; fi
if [ -n "$config" ]; then export TIKTOK_CONFIG="$config"; fi

tiktok() { # PROCESS|COMMAND [ARGUMENTS]
  [ "$1" != tiktok ] || shift
  exec /opt/tiktok/bin/tiktok "$@"
}

case ${1:-} in
  healthcheck)
    process=${SERVICE:-tiktok}
    if [ -r $chosen ]; then read -r process <$chosen; fi
    tiktok "$process" "--healthcheck=${2:-live}"
    ;;
  '' | -*) set -- "${SERVICE:-tiktok}" "$@" ;;
esac
if [ "$1" != tiktok ] && command -v "$1" >/dev/null; then exec "$@"; fi
# Not again by a command that is run in this container later. With a read-only /tmp SERVICE has to say it.
[ -e $chosen ] || (echo "$1" >$chosen) 2>/dev/null || true
tiktok "$@"
