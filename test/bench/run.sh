#!/usr/bin/env bash
# Measures a deployment under load and leaves nothing running; also on Ctrl-C.
#   run.sh                          all-in-one, then distributed, every scenario, in about half an hour; writes the
#                                   figures of docs/performance.md
#   run.sh all-in-one|distributed [flags] [scenario…]
#   run.sh media                    uploads, parts of files, the worker; writes the figures of docs/media.md
#   run.sh running [flags] [scenario…]    what `TIKTOK_LIMITS_DRIVER=off make start` has started
#   run.sh compare REV1 REV2 [flags] [scenario…]    two commits by turns; a . is the working tree
#   run.sh growth [flags] [scenario…]     what a request costs on 1, 10 and (all-in-one) 50 times the data
#   run.sh micro [REV]              the Go micro-benchmarks of the hot paths; with REV beside the same of that commit, by benchstat
# Flags and scenarios: run.sh all-in-one -help. WRITE=1 writes the figures of a single deployment or of growth, too.
# DEPLOYMENT=all-in-one or distributed says what compare (default all-in-one) and growth (default both) run.
# Distributed runs on servers of its own: an instance of test/env.sh called bench (TIKTOK_ENV_NAME, TIKTOK_ENV_BASE).
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
cd "$repo"
export CGO_ENABLED=0
at_exit=()
trap 'for f in "${at_exit[@]}"; do $f; done' EXIT

# What the figures are of, where Go does not note it in the build.
BENCH_COMMIT=$(git rev-parse --short=10 HEAD 2>/dev/null || true)
git diff --quiet HEAD -- cmd config kitex_gen pkg 2>/dev/null || BENCH_COMMIT+=' and changes'
export BENCH_COMMIT

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
    figures=(-json "docs/performance/$name.json" -md docs/performance.md -plots docs/performance)
  fi
  bin/bench/bench -deployment "$name" "${figures[@]}" "$@"
}

env_down() { test/env.sh down --purge 8>&-; }

# on_servers COMMAND...: on empty servers, which are gone afterwards.
on_servers() {
  # As much memory as deploy/docker-compose.yml gives the database.
  export TIKTOK_ENV_NAME=${TIKTOK_ENV_NAME:-bench} TIKTOK_ENV_BASE=${TIKTOK_ENV_BASE:-25000} TIKTOK_ENV_BUFFER=1G
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
  at_exit+=(env_down)
  env_down >/dev/null 2>&1 || true
  test/env.sh up 8>&-
  eval "$(test/env.sh env)"
  "$@" 8>&-
}

# ---- two commits -----------------------------------------------------------------------------------------------------

trees=bin/compare
remove_trees() {
  local t
  for t in "$trees"/*.src; do
    [ ! -d "$t" ] || git worktree remove --force "$t"
  done
  rm -rf "$trees"
}

# build_revision NAME REVISION: its programs, in $trees/NAME.
build_revision() {
  local tree=.
  if [ "$2" != . ]; then
    tree=$trees/$1.src
    git worktree add --quiet --detach "$tree" "$2"
  fi
  mkdir -p "$trees/$1"
  (cd "$tree" && go build -ldflags='-s -w' -o "$repo/$trees/$1/" ./cmd/...)
}

# label REVISION: what it is called in tables; both must differ.
label() { [ "$1" = . ] && echo working-tree || git rev-parse --short "$1^{commit}"; }

# ---- growth ----------------------------------------------------------------------------------------------------------

growing=(feed-auth user-info publish-list favorite-list comment-list follow-list follower-list friend-list message-chat
  favorite-action comment-action relation-action message-action)

# grow DEPLOYMENT SCALES ARGUMENTS...: the same 10,000 users send requests, whatever the scale; at 10:all everybody does.
grow() {
  local name=$1 scales=$2 files= scale users doc=()
  shift 2
  for scale in $scales; do
    users=10000
    [ "$scale" = "${scale%:all}" ] || users=0
    rm -f "bin/bench/growth-$name-$scale.json"
    local run=(bin/bench/bench -deployment "$name" -scale "${scale%:all}" -active "$users" -json "bin/bench/growth-$name-$scale.json" "$@")
    if [ "$name" = distributed ]; then
      (trap env_down EXIT && on_servers "${run[@]}") # a subshell does not inherit the trap
    else
      "${run[@]}"
    fi
    files+=${files:+,}bin/bench/growth-$name-$scale.json
  done
  [ "${WRITE:-}" != 1 ] || doc=(-md docs/performance.md)
  bin/bench/bench -growth "$files" "${doc[@]}"
}

# ---- micro-benchmarks ------------------------------------------------------------------------------------------------

# Packages and the benchmarks in them. Those of media, of whole queues and of a broker take minutes and are run by hand.
micro=(
  cmd/api/biz/pack . cmd/api/biz/view . cmd/api/gateway . cmd/chat/service . cmd/interaction/service MGetStats
  cmd/social/service . cmd/video/service Feed pkg/auth . pkg/coalesce . pkg/id . pkg/kv 'GetMulti|MGet' pkg/limiter .
  pkg/sqldb . pkg/tracing . pkg/words .
)

# run_micro TREE FILE: into the file; a package that TREE does not have or that does not compile there is left out.
run_micro() {
  local tree=$1 file=$2 i out
  : >"$file"
  for ((i = 0; i < ${#micro[@]}; i += 2)); do
    out=$file.out
    if ! (cd "$tree" && go test "./${micro[i]}" -run '^$' -bench "${micro[i + 1]}" -count "${COUNT:-6}" -benchtime "${BENCHTIME:-100ms}") >"$out" 2>&1; then
      echo "${micro[i]}: left out of ${3}: $(grep -m 1 -E 'no such file|cannot find|not found|: |FAIL' "$out" || true)" >&2
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

name=${1:-all}
[ $# -eq 0 ] || shift
case $name in
  all)
    build
    WRITE=1
    short=(-settle 20s -warmup 1s -duration 5s -floors -floor-time 1s "$@")
    bench all-in-one "${short[@]}"
    on_servers bench distributed "${short[@]}"
    ;;
  all-in-one)
    build
    bench all-in-one "$@"
    ;;
  distributed)
    build
    on_servers bench distributed "$@"
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
    build_revision "$first" "$1"
    build_revision "$second" "$2"
    shift 2
    run=(bin/bench/bench -deployment "${DEPLOYMENT:-all-in-one}" -compare "$trees/$first,$trees/$second" -warmup 1s -duration 4s)
    [ $# -gt 0 ] || set -- feed-auth user-info comment-list message-chat mixed
    if [ "${DEPLOYMENT:-}" = distributed ]; then
      on_servers "${run[@]}" "$@"
    else
      "${run[@]}" "$@"
    fi
    ;;
  growth)
    build
    short=(-warmup 6s -duration 4s "$@")
    [[ $# -gt 0 && "${*: -1}" =~ ^[a-z] ]] || short+=("${growing[@]}")
    [ "${DEPLOYMENT:-all-in-one}" != all-in-one ] || grow all-in-one "${SCALES:-1 10 10:all 50}" "${short[@]}"
    [ "${DEPLOYMENT:-distributed}" != distributed ] || grow distributed "${SCALES:-1 10}" "${short[@]}"
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
    sed -n '2,14p' "$0" | cut -c3-
    exit 2
    ;;
esac
