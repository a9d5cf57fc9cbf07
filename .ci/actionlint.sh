#!/usr/bin/env bash
# Checks .github/workflows with the pinned actionlint, building it on first use.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
bin=$repo/bin/tools
mkdir -p "$bin"
if [ ! -x "$bin/actionlint" ] || [ "$repo/.ci/actionlint/go.mod" -nt "$bin/actionlint" ]; then
  (cd "$repo/.ci/actionlint" && CGO_ENABLED=0 go build -o "$bin/" tool)
fi
cd "$repo"
exec "$bin/actionlint" "$@"
