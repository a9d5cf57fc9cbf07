#!/usr/bin/env bash
# Renders and checks deploy/helm. Its modules are its own (.ci/helm/go.mod), not the product's; the first run builds for
# some minutes, so it is not a part of make test.
set -euo pipefail
cd "$(dirname "$0")/helm"
CGO_ENABLED=0 exec go test -count=1 "$@" .
