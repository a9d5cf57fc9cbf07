#!/usr/bin/env bash
# First figures of a deployment: time to the first feed answer, memory at rest, a feed page under load.
#   run.sh           the all-in-one, on an own folder and port
#   run.sh running   the deployment that `TIKTOK_LIMITS_DRIVER=off make start` started
set -euo pipefail
cd "$(dirname "$0")/../.."
go build -o bin/ ./cmd/tiktok ./test/bench

if [ "${1:-}" = running ]; then
  exec bin/bench -url http://127.0.0.1:10001
fi

port=11001
data=$(mktemp -d)
begin=$(date +%s%N)
bin/tiktok -addr 127.0.0.1:$port -data "$data" -set limits.driver=off -set telemetry.log_level=warn >"$data/log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; wait $pid 2>/dev/null || true; rm -rf "$data"' EXIT
until curl -fs "http://127.0.0.1:$port/douyin/feed/" 2>/dev/null | grep -q '"status_code":0'; do
  kill -0 $pid || { cat "$data/log"; exit 1; }
done
echo "start to first feed answer, demo content made: $((($(date +%s%N) - begin) / 1000000)) ms"
echo "memory at rest: $(awk '/VmRSS/ {printf "%.0f MB", $2 / 1024}' /proc/$pid/status)"
bin/bench -url http://127.0.0.1:$port
echo "memory after the load: $(awk '/VmRSS/ {printf "%.0f MB", $2 / 1024}' /proc/$pid/status)"
