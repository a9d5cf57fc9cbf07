# shellcheck shell=bash
# What test/fault/run.sh, test/cluster/run.sh and test/attack/run.sh have in common. Sourced, from any folder:
#   begin NAME SHORT LONG [short|long] [go test arguments]   reads the form; SHORT and LONG are the timeouts of go test
#   alone                                                    fails when the suite is running: two would stop each other's servers. The lock is
#                                                            file descriptor 8, which what goes on running must not get: 8>&-
#   programs PACKAGES                                        builds what the tests start, unless test/run.sh has
#   run_suite HEADING                                        runs the tests; each scenario adds a line to the table below HEADING
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
export CGO_ENABLED=0

begin() {
  suite=$1 form=${4:-short} timeout=$2
  case $form in
    short) ;;
    long) timeout=$3 ;;
    *)
      sed -n '2,/^set/{/^#/p}' "test/$suite/run.sh" | cut -c3-
      exit 2
      ;;
  esac
  shift $(($# < 4 ? $# : 4))
  arguments=("$@")
  table=$(mktemp)
  export "TIKTOK_${suite^^}=1" "TIKTOK_${suite^^}_FORM=$form" "TIKTOK_${suite^^}_TABLE=$table"
}

alone() {
  mkdir -p .env.d
  exec 8>".env.d/$suite-run.lock"
  flock -n 8 || {
    echo "test/$suite/run.sh is running already" >&2
    exit 1
  }
}

programs() {
  [ -z "${TIKTOK_TEST_BIN:-}" ] || return 0
  export TIKTOK_TEST_BIN=$PWD/bin/$suite
  mkdir -p "$TIKTOK_TEST_BIN"
  go build -ldflags='-s -w' -o "$TIKTOK_TEST_BIN/" "$@"
}

run_suite() {
  local status=0
  go test -count=1 -timeout "$timeout" -v "${arguments[@]}" "./test/$suite" || status=$?
  printf '\n%s\n' "$1"
  cat "$table"
  rm -f "$table"
  return "$status"
}
