#!/usr/bin/env bash
# Runs the pinned golangci-lint, building it on first use. `lint.sh fmt` formats.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
bin=$repo/bin/tools
mkdir -p "$bin"
if [ ! -x "$bin/golangci-lint" ] || [ "$repo/.ci/lint/go.mod" -nt "$bin/golangci-lint" ]; then
  echo "lint: building golangci-lint, a few minutes once"
  (cd "$repo/.ci/lint" && CGO_ENABLED=0 go build -o "$bin/" tool)
fi
cd "$repo"
if [ "${1:-run}" = fmt ]; then
  exec "$bin/golangci-lint" fmt
fi
exec "$bin/golangci-lint" run ./...
