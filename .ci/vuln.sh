#!/usr/bin/env bash
# Fails when the product, or a library that it really calls, has a published vulnerability: the pinned govulncheck, built
# on first use. Needs vuln.go.dev, so it is a step of CI and not a part of make test.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
bin=$repo/bin/tools
mkdir -p "$bin"
if [ ! -x "$bin/govulncheck" ] || [ "$repo/.ci/vuln/go.mod" -nt "$bin/govulncheck" ]; then
  (cd "$repo/.ci/vuln" && CGO_ENABLED=0 go build -o "$bin/" tool)
fi
cd "$repo"
exec "$bin/govulncheck" "${@:-./...}"
