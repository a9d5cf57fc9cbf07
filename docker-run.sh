#!/bin/sh
# Runs the product in containers, on the servers of `make env-up`, and waits until it answers.
#
#   sh docker-run.sh             the services and the gateway
#   sh docker-run.sh SERVICE     one of them; the others go on
#   sh docker-run.sh tiktok      the all-in-one instead, which needs no servers
#
# What runs already is replaced, with the data kept. The image is tiktok:dev (`make docker`), or APP_IMAGE. An empty store gets the demo
# content, unless DEMO=off.
set -eu
cd "$(dirname "$0")"

# How long one container may take until it is healthy, in seconds: the first start makes its schema.
limit=${WAIT_SECONDS:-180}
# generated services by go run ./deploy/generate
services='user video interaction social chat notice discovery api'
# end services
servers='mysql redis rabbitmq etcd s3'

die() {
  printf '%s\n' "docker-run: $*" >&2
  exit 1
}

compose() { docker compose --profile app --profile allinone "$@"; }

check_docker() {
  command -v docker >/dev/null 2>&1 || die "Docker is not installed; without it: make run"
  docker compose version >/dev/null 2>&1 || die "Docker's compose plugin is missing (docker compose version); without Docker: make run"
  docker info >/dev/null 2>&1 || die "Docker does not answer. Is its daemon running, and may you use it ($(id -un))? See: docker info"
}

# image prints the name that docker-compose.yml resolves to, .env included.
image() { compose config --images secret; }

check_image() {
  name=$(image)
  docker image inspect "$name" >/dev/null 2>&1 && return
  case $name in
    */*)
      echo "  pulling $name"
      docker pull -q "$name" >/dev/null || die "no image $name"
      ;;
    *) die "there is no image $name yet. Build it: make docker" ;;
  esac
}

health() { # SERVICE: healthy, starting, unhealthy, exited (or another state), or nothing when there is no container
  id=$(compose ps -a -q "$1" 2>/dev/null | head -n 1)
  [ -n "$id" ] || return 0
  docker inspect -f '{{if and (eq .State.Status "running") .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' \
    "$id" 2>/dev/null || true
}

check_servers() {
  missing=
  for s in $servers; do
    [ "$(health "$s")" = healthy ] || missing="$missing $s"
  done
  [ -z "$missing" ] || die "these servers do not run:$missing. Start them: make env-up"
  # An account for each service, with the password of now, in a volume that is older too.
  compose exec -T mysql sh /docker-entrypoint-initdb.d/accounts.sh >"$log" 2>&1 || {
    cat "$log" >&2
    die "the accounts of MySQL cannot be made"
  }
}

check_known() {
  for s in $services tiktok; do
    if [ "$s" = "$1" ]; then return; fi
  done
  die "no service $1; there are: $services, and tiktok, the all-in-one"
}

logs_of() { # SERVICE
  printf '%s\n' "--- the end of the log of $1:" >&2
  compose logs --no-log-prefix --tail 30 "$1" >&2 || true
}

wait_healthy() { # SERVICE
  began=$(date +%s)
  printf '  %-12s ' "$1"
  while :; do
    state=$(health "$1")
    took=$(($(date +%s) - began))
    case $state in
      healthy)
        echo " healthy after ${took}s"
        return
        ;;
      starting | created | running) ;;
      *)
        echo " ${state:-gone}"
        logs_of "$1"
        die "$1 did not start"
        ;;
    esac
    if [ "$took" -ge "$limit" ]; then
      echo " not healthy after ${took}s"
      logs_of "$1"
      die "$1 did not become healthy"
    fi
    printf .
    sleep 1
  done
}

# The gateway is healthy before it has found the services in etcd.
wait_ready() { # SERVICE
  began=$(date +%s)
  printf '  %-12s ' ready
  until compose exec -T "$1" /opt/tiktok/entrypoint healthcheck ready >/dev/null 2>&1; do
    if [ $(($(date +%s) - began)) -ge "$limit" ]; then
      echo
      compose exec -T "$1" /opt/tiktok/entrypoint healthcheck ready >&2 || true
      die "$1 runs, and cannot serve"
    fi
    printf .
    sleep 1
  done
  echo " after $(($(date +%s) - began))s"
}

start() { # SERVICE...
  echo "starting $* ($(image))"
  compose up -d --no-build --no-deps --force-recreate --quiet-pull "$@" >"$log" 2>&1 || {
    cat "$log" >&2
    if grep -q 'port is already allocated\|address already in use' "$log"; then
      die "something else uses the port: stop it (make stop, another tiktok), or set HTTP_ADDR in .env"
    fi
    die "docker compose up failed"
  }
}

[ $# -le 1 ] || die "one service, or none for all: sh docker-run.sh [$(echo "$services" | tr ' ' '|')|tiktok]"
[ $# -eq 0 ] || check_known "$1"
check_docker
check_image
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

case ${1:-} in
  tiktok)
    # Both listen on the same port.
    compose stop api >/dev/null 2>&1
    start tiktok
    wait_healthy tiktok
    wait_ready tiktok
    ;;
  *)
    check_servers
    compose stop tiktok >/dev/null 2>&1
    # shellcheck disable=SC2086 # a list
    set -- ${1:-$services}
    # Its container stays: without it docker compose start api says that a dependency is missing.
    case " $* " in
      *' api '*)
        compose up --no-deps --exit-code-from secret secret >/dev/null 2>&1 || die "the volume of the token key cannot be written"
        ;;
    esac
    start "$@"
    for s in "$@"; do wait_healthy "$s"; done
    [ "$(health api)" != healthy ] || wait_ready api
    ;;
esac
# The all-in-one makes its own. The password is a random one that this folder keeps.
if [ "$(health api)" = healthy ] && [ "${DEMO:-on}" != off ]; then
  file=.env.d/dev/app/demo.password # that of make start, on the same servers
  mkdir -p "${file%/*}"
  [ -s $file ] || (umask 077 && head -c 6 /dev/urandom | od -An -tx1 | tr -d ' \n' >$file)
  compose exec -T api /opt/tiktok/entrypoint demo --if-empty --password "$(cat $file)" || echo "no demo content" >&2
fi
if [ "$(health api)" = healthy ] || [ "$(health tiktok)" = healthy ]; then
  echo "http://localhost:10001 is ready: open it in a browser; logs: docker compose logs -f $*"
fi
