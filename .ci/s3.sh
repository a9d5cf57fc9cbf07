#!/usr/bin/env bash
# Builds the S3 server of the tests into bin/tools on first use: versitygw, which keeps objects as files. Its modules are
# its own (.ci/s3/go.mod), not the product's.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
bin=$repo/bin/tools
mkdir -p "$bin"
if [ ! -x "$bin/versitygw" ] || [ "$repo/.ci/s3/go.mod" -nt "$bin/versitygw" ]; then
  echo "s3: building versitygw, a minute or two once"
  (cd "$repo/.ci/s3" && CGO_ENABLED=0 go build -ldflags '-s -w' -o "$bin/" tool)
fi
