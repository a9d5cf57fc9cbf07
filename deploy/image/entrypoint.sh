#!/bin/sh
# What a container of the image runs.
#
#   (nothing)                  the program that SERVICE names, default tiktok, the all-in-one
#   PROGRAM [FLAGS]            that program: tiktok api user video interaction social chat, audit deadletters migrate blobcopy backfill certs etcdlogin
#   -FLAG …                    the program of SERVICE with these flags
#   healthcheck [ready]        asks the program of this container whether it lives, or whether it can serve
#   COMMAND …                  anything else, e.g. sh
#
# Settings: TIKTOK_… variables, and the file CONFIG_FILE, default /etc/tiktok/config.yaml if it is there.
set -eu
bin=/opt/tiktok/bin
chosen=/tmp/tiktok.program # what the container began with, for its health check

config=${CONFIG_FILE:-}
if [ -z "$config" ] && [ -f /etc/tiktok/config.yaml ]; then
  config=/etc/tiktok/config.yaml
fi

start() { # PROGRAM [ARGUMENTS]
  program=$1
  shift
  if [ ! -x "$bin/$program" ]; then
    echo "entrypoint: no program $program in this image; there are $(cd $bin && echo ./* | sed 's,\./,,g')" >&2
    exit 2
  fi
  if [ -n "$config" ]; then
    case $program in
      deadletters | blobcopy) # have a verb before their flags
        if [ $# -gt 0 ]; then
          verb=$1
          shift
          set -- "$verb" -config "$config" "$@"
        fi
        ;;
      certs) ;; # has no settings
      *) set -- -config "$config" "$@" ;;
    esac
  fi
  exec "$bin/$program" "$@"
}

case ${1:-} in
  healthcheck)
    program=${SERVICE:-tiktok}
    if [ -r $chosen ]; then read -r program <$chosen; fi
    if [ "${2:-}" = ready ]; then start "$program" -healthcheck=ready; fi
    start "$program" -healthcheck
    ;;
  '' | -*) set -- "${SERVICE:-tiktok}" "$@" ;;
esac
if [ -x "$bin/$1" ] || ! command -v "$1" >/dev/null; then
  # Not again by a program that is run in this container later. With a read-only /tmp SERVICE has to say it.
  [ -e $chosen ] || (echo "$1" >$chosen) 2>/dev/null || true
  start "$@"
fi
exec "$@"
