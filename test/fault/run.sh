#!/usr/bin/env bash
# Breaks servers and processes under load (kill -9, outages, a broken network) and counts what was lost. It starts servers
# of its own, which it stops and starts as it likes, and leaves nothing running.
#   test/fault/run.sh [short|long] [go test arguments]      short: about 7 minutes; long: longer outages, more of them, OpenSearch, about 30
set -euo pipefail
. "$(dirname "$0")/../suite.sh"
begin fault 20m 90m "$@"
export TIKTOK_ENV_NAME=fault TIKTOK_ENV_BASE=24000

alone

.ci/s3.sh 8>&-
trap 'test/env.sh down --purge 8>&-' EXIT
test/env.sh down --purge >/dev/null 2>&1 8>&- || true
test/env.sh up 8>&-
eval "$(test/env.sh env)"

programs ./cmd/tiktok
run_suite "$(printf '%-72s %12s %9s %6s %8s %8s %8s' scenario acknowledged stored lost doubled refused unknown)" 8>&-
