#!/usr/bin/env bash
# Breaks things under load and counts what was lost: real processes, kill -9, real servers that stop. Starts servers of
# its own, which it stops and starts as it likes, and leaves nothing running.
#   test/fault/run.sh [short|long] [go test arguments]      short: about 4 minutes; long: longer outages, more of them, about 12
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
cd "$repo"
form=${1:-short}
[ $# -eq 0 ] || shift
case $form in
  short) timeout=10m ;;
  long) timeout=60m ;;
  *)
    sed -n '2,4p' "$0" | cut -c3-
    exit 2
    ;;
esac
export CGO_ENABLED=0
export TIKTOK_ENV_NAME=fault TIKTOK_ENV_BASE=24000
export TIKTOK_FAULT=1 TIKTOK_FAULT_FORM=$form

# Two runs would stop each other's servers.
mkdir -p .env.d
exec 8>.env.d/fault-run.lock
flock -n 8 || {
  echo "test/fault/run.sh is running already" >&2
  exit 1
}

.ci/s3.sh 8>&-

trap 'test/env.sh down --purge 8>&-' EXIT
test/env.sh down --purge >/dev/null 2>&1 8>&- || true
test/env.sh up 8>&-
eval "$(test/env.sh env)"

# Once for all processes; test/run.sh has built them already.
if [ -z "${TIKTOK_TEST_BIN:-}" ]; then
  export TIKTOK_TEST_BIN=$repo/bin/fault
  mkdir -p "$TIKTOK_TEST_BIN"
  go build -ldflags='-s -w' -o "$TIKTOK_TEST_BIN/" ./cmd/...
fi

# Each scenario adds a line.
TIKTOK_FAULT_TABLE=$(mktemp)
export TIKTOK_FAULT_TABLE
failed=0
go test -count=1 -timeout "$timeout" -v "$@" ./test/fault 8>&- || failed=$?
printf '\n%-72s %12s %9s %6s %8s %8s %8s\n' scenario acknowledged stored lost doubled refused unknown
cat "$TIKTOK_FAULT_TABLE"
rm -f "$TIKTOK_FAULT_TABLE"
exit "$failed"
