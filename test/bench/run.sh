#!/usr/bin/env bash
# Measures deployments under load and leaves nothing running; also on Ctrl-C.
#   run.sh                                the figures of docs/performance.md, both deployments, in about 15 minutes
#   run.sh run [flags] [scenario…]        scenarios, on one deployment with DEPLOYMENT=all-in-one or distributed
#   run.sh compare REV1 REV2 [flags] [scenario…]    two commits by turns; a . is the working tree
#   run.sh media                          uploads and parts of files: the figures of docs/media.md
#   run.sh micro [REV]                    the Go micro-benchmarks of the hot paths; with REV beside the same of that commit
# Scenarios and flags: run.sh run --help. The distributed deployment runs on servers of its own: an instance of
# test/env.sh called bench (TIKTOK_ENV_NAME, TIKTOK_ENV_BASE).
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
cd "$repo"
export CGO_ENABLED=0
at_exit=()
clean_up() {
  local f
  for f in "${at_exit[@]}"; do $f; done
}
trap clean_up EXIT

# What the figures are of.
BENCH_COMMIT=$(git rev-parse --short=10 HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD -- cmd config kitex_gen pkg 2>/dev/null || BENCH_COMMIT+=' and changes'
export BENCH_COMMIT

# programs FOLDER: what the driver starts, of the tree that this is called in. Before `tiktok SERVICE` each service was a
# program of its own.
programs() {
  local what=./cmd/tiktok
  [ ! -d cmd/bundle ] || what=./cmd/...
  mkdir -p "$1"
  go build -ldflags='-s -w' -o "$1/" "$what"
  [ ! -d cmd/bundle ] || {
    mv "$1/tiktok" "$1/all-in-one"
    cat >"$1/tiktok" <<'SH'
#!/bin/sh
here=$(dirname "$0")
case ${1:-} in
  user | video | interaction | social | chat | api) s=$1 && shift && exec "$here/$s" "$@" ;;
  *) exec "$here/all-in-one" "$@" ;;
esac
SH
    chmod +x "$1/tiktok"
  }
}

build() {
  mkdir -p bin/bench
  go build -ldflags='-s -w' -o bin/bench/bench ./test/bench
}

env_down() { test/env.sh down --purge 8>&-; }

# servers_for DEPLOYMENT: empty servers, gone afterwards; as much memory for MariaDB as deploy/docker-compose.yml gives it.
servers_for() {
  [ "$1" != all-in-one ] || return 0
  export TIKTOK_ENV_NAME=${TIKTOK_ENV_NAME:-bench} TIKTOK_ENV_BASE=${TIKTOK_ENV_BASE:-26000} TIKTOK_ENV_BUFFER=1G
  export TIKTOK_ENV_DIR=${TIKTOK_ENV_DIR:-$repo/.env.d}
  if [ "$TIKTOK_ENV_NAME" = dev ] || [ "$TIKTOK_ENV_NAME" = test ]; then
    echo "the servers of the instance $TIKTOK_ENV_NAME are not ours to empty" >&2
    exit 1
  fi
  mkdir -p "$TIKTOK_ENV_DIR"
  exec 8>"$TIKTOK_ENV_DIR/$TIKTOK_ENV_NAME-run.lock"
  flock -n 8 || {
    echo "another run uses the instance $TIKTOK_ENV_NAME" >&2
    exit 1
  }
  at_exit+=(env_down)
  env_down >/dev/null 2>&1 || true
  test/env.sh up 8>&-
  eval "$(test/env.sh env)"
}

# bench ARGUMENTS...
bench() { bin/bench/bench "$@" --deployment "${DEPLOYMENT:-all-in-one,distributed}" 8>&-; }

# ---- two commits -----------------------------------------------------------------------------------------------------

trees=bin/compare
remove_trees() {
  local t
  for t in "$trees"/*.src; do
    [ ! -d "$t" ] || git worktree remove --force "$t"
  done
  rm -rf "$trees"
}

# label REVISION: what it is called in tables; both must differ.
label() {
  if [ "$1" = . ]; then echo working-tree; else git rev-parse --short "$1^{commit}"; fi
}

# programs_of NAME REVISION: its programs, in $trees/NAME.
programs_of() {
  local tree=.
  if [ "$2" != . ]; then
    tree=$trees/$1.src
    git worktree add --quiet --detach "$tree" "$2"
  fi
  (cd "$tree" && programs "$repo/$trees/$1")
}

# ---- micro-benchmarks ------------------------------------------------------------------------------------------------

# Packages and the benchmarks in them. Those of media, of whole queues and of a broker take minutes and are run by hand.
micro=(
  cmd/api/biz/pack . cmd/api/biz/v1 . cmd/api/biz/view . cmd/api/gateway . cmd/chat/service . cmd/interaction/service MGetStats
  cmd/social/service . cmd/video/service Feed pkg/auth . pkg/coalesce . pkg/paging . pkg/id . pkg/kv 'GetMulti|MGet'
  pkg/limiter . pkg/sqldb . pkg/tracing . pkg/words .
)

# run_micro TREE FILE: into the file; a package that TREE does not have or that does not compile there is left out.
run_micro() {
  local tree=$1 file=$2 i out
  : >"$file"
  for ((i = 0; i < ${#micro[@]}; i += 2)); do
    [ -d "$tree/${micro[i]}" ] || continue
    out=$file.out
    if ! (cd "$tree" && go test "./${micro[i]}" -run '^$' -bench "${micro[i + 1]}" -count "${COUNT:-6}" -benchtime "${BENCHTIME:-100ms}") >"$out" 2>&1; then
      echo "${micro[i]}: left out of $3: $(grep -m 1 -E ': |FAIL' "$out" || true)" >&2
    elif ! grep -q '^Benchmark' "$out"; then
      echo "${micro[i]}: left out of $3: it has no such benchmark" >&2
    else
      cat "$out" >>"$file"
    fi
    rm -f "$out"
  done
}

# benchstat FILES...: the pinned one, built on first use.
benchstat() {
  local bin=$repo/bin/tools/benchstat
  if [ ! -x "$bin" ] || [ .ci/benchstat/go.mod -nt "$bin" ]; then
    mkdir -p bin/tools
    (cd .ci/benchstat && go build -o "$repo/bin/tools/" tool)
  fi
  "$bin" "$@"
}

# What docs/performance.md shows.
page=(feed-auth feed-auth-512 user-info publish-list favorite-list comment-list friend-list message-chat media-range login search for-you
  favorite-action comment-action relation-action message-action mixed like-hot like-spread comment-hot comment-spread publish drain latency)

name=${1:-page}
[ $# -eq 0 ] || shift
case $name in
  page | run)
    build
    programs bin/bench
    servers_for "${DEPLOYMENT:-}"
    if [ "$name" = page ]; then
      bench run --settle 8s --warmup 1s --duration 4s --floors "${page[@]}"
    else
      bench run "$@"
    fi
    ;;
  media)
    build
    programs bin/bench
    .ci/s3.sh
    servers_for distributed # S3 is among them
    bench media "$@"
    ;;
  compare)
    [ $# -ge 2 ] || {
      echo "compare wants two revisions" >&2
      exit 2
    }
    first=$(label "$1") second=$(label "$2")
    [ "$first" != "$second" ] || second+=-again
    remove_trees
    at_exit+=(remove_trees)
    mkdir -p "$trees"
    build
    programs_of "$first" "$1"
    programs_of "$second" "$2"
    shift 2
    servers_for "${DEPLOYMENT:-}"
    bench compare --programs "$trees/$first,$trees/$second" --warmup 1s --duration 4s "$@"
    ;;
  micro)
    mkdir -p bin/bench
    now=$repo/bin/bench/micro.txt
    if [ $# -gt 0 ]; then
      old=$(label "$1")
      remove_trees
      at_exit+=(remove_trees)
      mkdir -p "$trees"
      git worktree add --quiet --detach "$trees/micro.src" "$1"
      run_micro "$trees/micro.src" "$repo/bin/bench/micro-$old.txt" "$old"
      run_micro . "$now" working-tree
      benchstat "$old=$repo/bin/bench/micro-$old.txt" "working-tree=$now"
    else
      run_micro . "$now" working-tree
      benchstat "$now"
    fi
    ;;
  *)
    sed -n '2,9p' "$0" | cut -c3-
    exit 2
    ;;
esac
