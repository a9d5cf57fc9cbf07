#!/usr/bin/env bash
# Runs every test against real servers: starts private instances of MariaDB, Redis, RabbitMQ, etcd, S3 and OpenSearch on loopback
# (installing Debian's packages when they are missing, that of ffmpeg too), runs, and leaves nothing running.
# Without arguments follow the tests with browsers; test/fault/run.sh, in its short form: it stops servers, so it has an instance of
# its own; and test/attack/run.sh. These want the machine for themselves.
#   test/run.sh [-race] [go test arguments, default ./...]
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
cd "$repo"
export TIKTOK_ENV_NAME=test
started=$SECONDS

step() { printf '\n== %s  (%ds)\n' "$1" $((SECONDS - started)); }

race=()
if [ "${1:-}" = -race ]; then
  shift
  race=(-race)
  export CGO_ENABLED=1
  if ! command -v gcc >/dev/null; then
    step "installing gcc, which the race detector needs"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev
  fi
fi
packages=("$@")
all=
if [ ${#packages[@]} -eq 0 ]; then
  # Those with browsers follow: videos that play leave nothing of two processors to the tests beside them.
  mapfile -t packages < <(go list ./... | grep -v '/test/web$')
  # The bounds on time of the rest leave no room for the race detector.
  [ ${#race[@]} -gt 0 ] || all=yes
fi

step "S3 server"
.ci/s3.sh

step "Prometheus"
.ci/prometheus.sh

step "servers"
trap 'test/env.sh down --purge' EXIT
test/env.sh down --purge >/dev/null 2>&1 || true
test/env.sh up

# OpenSearch comes while the program is built. Where it can not be had the rest is tested all the same.
opensearch=
opensearch_log=$repo/bin/test/opensearch.log
missing=
if [[ " ${packages[*]} " == *discovery* || " ${packages[*]} " == *" ./... "* ]]; then
  mkdir -p "$repo/bin/test"
  test/env.sh start opensearch >"$opensearch_log" 2>&1 &
  opensearch=$!
fi

step "generated code"
.ci/gen.sh --check

step "program"
# One for all tests that start processes.
export TIKTOK_TEST_BIN=$repo/bin/test
mkdir -p "$TIKTOK_TEST_BIN"
go build "${race[@]}" -o "$TIKTOK_TEST_BIN/" ./cmd/tiktok

step "go vet"
go vet ./...

if [ -n "$opensearch" ]; then
  step "OpenSearch"
  wait "$opensearch" || missing="NOT RUN: the tests of search on OpenSearch. There is none here, see the step OpenSearch."
  cat "$opensearch_log"
  [ -z "$missing" ] || echo "$missing"
fi
eval "$(test/env.sh env)"

step "go test ${race[*]:-}"
# Two packages at a time: they share the servers, and some start whole deployments.
go test "${race[@]}" -count=1 -p 2 -timeout 20m "${packages[@]}"

if [ -n "$all" ]; then
  step "browsers"
  go test -count=1 -timeout 15m ./test/web

  step "faults"
  # One after the other: the machine and the ports are for those servers now.
  test/env.sh down --purge
  test/fault/run.sh short

  step "attacks"
  test/attack/run.sh short
fi

step "done"
[ -z "$missing" ] || echo "$missing"
