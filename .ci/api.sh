#!/usr/bin/env bash
# Checks the API's document with redocly and spectral, and plays the Postman collection against the all-in-one with newman.
#   .ci/api.sh [lint | play]   default: both
# Needs node; installs the pinned tools below .ci/api.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
cd "$repo/.ci/api"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
fi

lint() {
  npx --no-install redocly lint --config redocly.yaml "$repo/cmd/api/openapi/openapi.json"
  npx --no-install spectral lint --fail-severity=warn --ruleset spectral.yaml "$repo/cmd/api/openapi/openapi.json"
}

# free is a port that nothing listens on.
free() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'; }

play() {
  local program=${TIKTOK_TEST_BIN:-$repo/bin}/tiktok port status=0
  [ -x "$program" ] || (cd "$repo" && make --no-print-directory build)
  work=$(mktemp -d)
  port=$(free)
  "$program" --addr "127.0.0.1:$port" --data "$work/data" --demo=false --set telemetry.admin_addr=127.0.0.1:0 >"$work/log" 2>&1 &
  server=$!
  trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$work"' EXIT
  curl -sS -o "$work/ready" --retry 50 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$port/readyz"
  npx --no-install newman run "$repo/.postman/tiktok.postman_collection.json" --working-dir "$repo" \
    --env-var "baseUrl=http://127.0.0.1:$port" --color off || status=$?
  [ "$status" = 0 ] || tail -20 "$work/log"
  return "$status"
}

case "${1:-all}" in
  lint) lint ;;
  play) play ;;
  *) lint && play ;;
esac
