#!/usr/bin/env bash
# Attacks the all-in-one on loopback, as a process of its own with the limits that are shipped, and prints what each attack
# cost, what a bystander noticed, and whether it was held. Ends by itself and leaves nothing running.
#   test/attack/run.sh [short|long] [go test arguments]     short: about 2 minutes; long: also what takes longer
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
cd "$repo"
form=${1:-short}
[ $# -eq 0 ] || shift
case $form in
  short) timeout=10m ;;
  long) timeout=30m ;;
  *)
    sed -n '2,4p' "$0" | cut -c3-
    exit 2
    ;;
esac
export CGO_ENABLED=0
export TIKTOK_ATTACK=1 TIKTOK_ATTACK_FORM=$form
# Thousands of connections have two ends on this machine.
ulimit -n "$(ulimit -Hn)"

# Once for all attacks; test/run.sh has built it already.
if [ -z "${TIKTOK_TEST_BIN:-}" ]; then
  export TIKTOK_TEST_BIN=$repo/bin/attack
  mkdir -p "$TIKTOK_TEST_BIN"
  go build -ldflags='-s -w' -o "$TIKTOK_TEST_BIN/" ./cmd/tiktok
fi

TIKTOK_ATTACK_TABLE=$(mktemp)
export TIKTOK_ATTACK_TABLE
trap 'rm -f "$TIKTOK_ATTACK_TABLE"' EXIT
failed=0
go test -count=1 -timeout "$timeout" -v "$@" ./test/attack || failed=$?
printf '\n%-40s %9s %8s %8s %9s %9s  %s\n' attack requests seconds 'CPU s' 'peak MB' 'feed ms' 'held (feed: 99 of 100 pages of a bystander)'
cat "$TIKTOK_ATTACK_TABLE"
exit "$failed"
