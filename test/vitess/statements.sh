#!/usr/bin/env bash
# Reads every statement of the migrations, and all that the tests of the stores run, with the parsers of Vitess and TiDB. The servers of
# test/env.sh must run (TIKTOK_TEST_MYSQL).
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${TIKTOK_TEST_MYSQL:?is not set: eval \"\$(test/env.sh env)\"}"
file=$(mktemp)
trap 'rm -f "$file"' EXIT
mapfile -t packages < <(go list ./pkg/sqldb ./cmd/*/dal/db)
TIKTOK_TEST_STATEMENTS=$file go test -count=1 "${packages[@]}"
cd test/vitess
TIKTOK_TEST_STATEMENTS=$file go test -count=1 -v ./...
