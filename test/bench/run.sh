#!/usr/bin/env bash
# Measures a deployment under load and leaves nothing running; also on Ctrl-C.
#   run.sh                          all-in-one, then distributed, every scenario; writes the figures of docs/performance.md
#   run.sh all-in-one|distributed [flags] [scenario…]
#   run.sh media                    uploads, parts of files, the worker; writes the figures of docs/media.md
#   run.sh running [flags] [scenario…]    what `TIKTOK_LIMITS_DRIVER=off make start` has started
# Flags and scenarios: run.sh all-in-one -help. WRITE=1 writes the figures of a single deployment, too.
# Distributed runs on servers of its own: an instance of test/env.sh called bench (TIKTOK_ENV_NAME, TIKTOK_ENV_BASE).
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
cd "$repo"
export CGO_ENABLED=0

build() {
  mkdir -p bin/bench
  go build -ldflags='-s -w' -o bin/bench/ ./cmd/... ./test/bench
}

# bench DEPLOYMENT ARGUMENTS...
bench() {
  local name=$1 figures=()
  shift
  if [ "${WRITE:-}" = 1 ] && [ "$name" != running ]; then
    mkdir -p docs/performance
    figures=(-json "docs/performance/$name.json" -md docs/performance.md)
    [ "$name" = all-in-one ] || figures+=(-plot docs/performance/latency.png)
  fi
  bin/bench/bench -deployment "$name" "${figures[@]}" "$@"
}

# distributed ARGUMENTS...: on empty servers, which are gone afterwards.
distributed() {
  export TIKTOK_ENV_NAME=${TIKTOK_ENV_NAME:-bench} TIKTOK_ENV_BASE=${TIKTOK_ENV_BASE:-25000}
  if [ "$TIKTOK_ENV_NAME" = dev ] || [ "$TIKTOK_ENV_NAME" = test ]; then
    echo "the servers of the instance $TIKTOK_ENV_NAME are not ours to empty" >&2
    exit 1
  fi
  mkdir -p .env.d
  exec 8>".env.d/$TIKTOK_ENV_NAME-run.lock"
  flock -n 8 || {
    echo "another run uses the instance $TIKTOK_ENV_NAME" >&2
    exit 1
  }
  trap 'test/env.sh down --purge 8>&-' EXIT
  test/env.sh down --purge >/dev/null 2>&1 8>&- || true
  test/env.sh up 8>&-
  eval "$(test/env.sh env)"
  bench distributed "$@" 8>&-
}

name=${1:-all}
[ $# -eq 0 ] || shift
case $name in
  all)
    build
    WRITE=1
    bench all-in-one
    distributed
    ;;
  all-in-one)
    build
    bench all-in-one "$@"
    ;;
  distributed)
    build
    distributed "$@"
    ;;
  media)
    build
    .ci/s3.sh
    bin/bench/bench media -md docs/media.md "$@"
    ;;
  running)
    build
    eval "$(test/stack.sh env)"
    bench running "$@"
    ;;
  *)
    sed -n '2,8p' "$0" | cut -c3-
    exit 2
    ;;
esac
