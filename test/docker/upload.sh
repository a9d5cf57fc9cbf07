#!/usr/bin/env bash
# Uploads a film of 200 MB to a running product, and waits until the feed has it and its file comes back whole.
#   test/docker/upload.sh URL [CURL OPTIONS]
set -euo pipefail
base=$1
shift
repo=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d /var/tmp/tiktok-upload.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
fail() {
  echo "upload: $*" >&2
  exit 1
}
get() { curl -fsS -m 300 "${options[@]}" "$base$1" "${@:2}"; }
options=("$@")

# A film that plays, made large by a box that players skip: its size in four bytes, its name, and nothing.
film=$tmp/large.mp4
cp "$repo/test/testdata/tiny.mp4" "$film"
rest=$((200000000 - $(stat -c %s "$film")))
# shellcheck disable=SC2059 # the format is made here
printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((rest >> 24 & 255)) $((rest >> 16 & 255)) $((rest >> 8 & 255)) $((rest & 255)))free" >>"$film"
truncate -s 200000000 "$film"

name=large$RANDOM$RANDOM
answer=$(get "/douyin/user/register/?username=$name&password=large-1" -X POST)
token=$(sed -n 's/.*"token":"\([^"]*\)".*/\1/p' <<<"$answer")
[ -n "$token" ] || fail "no account: $answer"
# The token first: who it is is known before the film comes.
answer=$(get /douyin/publish/action/ -F "token=$token" -F "title=$name" -F "data=@$film")
[[ $answer == *'"status_code":0'* ]] || fail "$answer"
for _ in $(seq 120); do
  page=$(get "/douyin/feed/?token=$token")
  if [[ $page == *"\"title\":\"$name\""* ]]; then
    echo "  200 MB uploaded and listed"
    exit
  fi
  sleep 1
done
fail "the film is not in the feed: $(head -c 300 <<<"$page")"
