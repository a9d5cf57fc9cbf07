#!/usr/bin/env bash
# The distributed deployment on one machine: its servers, its eight processes, its audit.
#   stack.sh env-up | env-down | env | start | demo | stop | status | audit
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
cd "$repo"
run=$repo/.run
data=$repo/.env.d/dev/app
program=$repo/bin/tiktok

# list sets the names in start order and the admin addresses of all processes.
declare -A admin
services=()
list() {
  local name address
  while read -r name _ address; do
    services+=("$name")
    admin[$name]=$address
  done < <("$program" services | tail -n +2)
}

have_docker() { command -v docker >/dev/null && docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }

env_up() {
  if have_docker; then
    local profiles=()
    [ "${WATCH:-on}" = off ] || profiles=(--profile watch)
    docker compose -f docker-compose.yml "${profiles[@]}" up -d --wait
  else
    test/env.sh up
  fi
}

env_down() {
  if have_docker; then
    docker compose -f docker-compose.yml --profile '*' down
  else
    test/env.sh down
  fi
}

# Both ways use the same loopback ports; the containers have passwords.
settings() {
  test/env.sh env | grep -v TIKTOK_TEST_
  if have_docker; then container_logins; fi
  echo "export TIKTOK_LIMITS_DRIVER='${TIKTOK_LIMITS_DRIVER:-redis}'"
  echo "export TIKTOK_GATEWAY_PUBLIC_BASE_URL='${TIKTOK_GATEWAY_PUBLIC_BASE_URL:-from-host}'"
  echo "export TIKTOK_AUTH_SECRET_FILE='$data/secret'"
  echo "export TIKTOK_DATA_DIR='$data'"
}

# The logins of docker-compose.yml, or of .env.
container_logins() (
  # shellcheck disable=SC1091 # a file that may be there
  [ ! -f .env ] || . ./.env
  cat <<ENV
export TIKTOK_DB_USER='tiktok_admin'
export TIKTOK_DB_PASSWORD='${DB_PASSWORD_ADMIN:-tiktok}'
export TIKTOK_CACHE_PASSWORD='${REDIS_PASSWORD:-tiktok}'
export TIKTOK_QUEUE_URL='amqp://tiktok:${RABBITMQ_PASSWORD:-tiktok}@127.0.0.1:21672/'
export TIKTOK_BLOB_DRIVER='s3'
export TIKTOK_BLOB_S3_ENDPOINT='http://127.0.0.1:21900'
export TIKTOK_BLOB_S3_BUCKET='tiktok'
export TIKTOK_BLOB_S3_LOOKUP='path'
export TIKTOK_BLOB_S3_ACCESS_KEY='tiktok'
export TIKTOK_BLOB_S3_SECRET_KEY='${S3_PASSWORD:-tiktok-secret}'
export TIKTOK_TELEMETRY_OTLP_ENDPOINT='$([ "${WATCH:-on}" = off ] || echo http://127.0.0.1:21318)'
ENV
)

alive() { # a process of the stack, not another one with its old number
  [ -f "$run/$1.pid" ] && tr '\0' ' ' <"/proc/$(cat "$run/$1.pid")/cmdline" 2>/dev/null | grep -q "^$program $1 "
}

# answers tells whether somebody listens at host:port.
answers() { (exec 3<>"/dev/tcp/${1%:*}/${1##*:}") 2>/dev/null; }

# check_servers ends with a hint unless every server of the settings listens.
check_servers() {
  local missing=() queue=${TIKTOK_QUEUE_URL##*@}
  answers "$TIKTOK_DB_ADDR" || missing+=("MySQL at $TIKTOK_DB_ADDR")
  answers "${TIKTOK_CACHE_ADDRS%%,*}" || missing+=("Redis at $TIKTOK_CACHE_ADDRS")
  answers "${TIKTOK_RPC_REGISTRY%%,*}" || missing+=("etcd at $TIKTOK_RPC_REGISTRY")
  queue=${queue#*://}
  answers "${queue%%/*}" || missing+=("RabbitMQ at ${queue%%/*}")
  [ ${#missing[@]} -eq 0 ] && return
  echo "These servers do not answer; run: make env-up" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
}

start() {
  list
  mkdir -p "$run" "$data"
  if [ ! -s "$data/secret" ]; then
    (umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$data/secret")
  fi
  eval "$(settings)"
  check_servers
  started=()
  # What this call has started does not outlive its failure.
  local code=0
  trap 'code=$?; [ $code -eq 0 ] || end "${started[@]}"; exit $code' EXIT
  trap 'exit 130' INT TERM
  for s in "${services[@]}"; do
    if alive "$s"; then
      echo "  $s runs already"
      continue
    fi
    started+=("$s")
    nohup "$program" "$s" >"$run/$s.log" 2>&1 &
    echo $! >"$run/$s.pid"
  done
  local began=$SECONDS
  for s in "${services[@]}"; do
    printf '  %-12s ' "$s"
    until curl -fs -o /dev/null "http://${admin[$s]}/readyz"; do
      if ! alive "$s" || [ $((SECONDS - began)) -gt 60 ]; then
        echo "did not start; the end of $run/$s.log:"
        tail -n 20 "$run/$s.log"
        exit 1
      fi
      sleep 0.2
    done
    echo "ready"
  done
  # A service is in etcd about a second after it listens; until then the gateway reports it as unavailable.
  local gateway=${admin[${services[-1]}]}
  until curl -fs "http://$gateway/readyz" | grep -qv unavailable; do
    [ $((SECONDS - began)) -le 60 ] || { echo "a service is not found in etcd: $(curl -s "http://$gateway/readyz")"; exit 1; }
    sleep 0.2
  done
  [ "${DEMO:-on}" = off ] || demo --if-empty || echo "no demo content; try again with: make demo"
  echo "http://localhost:10001 is ready: open it in a browser; logs are in .run/"
}

# demo fills the deployment with the demo content. The password is a random one that the store keeps: other machines may reach the
# gateway.
demo() {
  mkdir -p "$data"
  if [ ! -s "$data/demo.password" ]; then
    (umask 077 && head -c 6 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$data/demo.password")
  fi
  "$program" demo --password "$(cat "$data/demo.password")" "$@"
}

# end stops these, the last one first.
end() {
  local i s pid
  for ((i = $#; i > 0; i--)); do
    s=${!i}
    if alive "$s"; then
      pid=$(cat "$run/$s.pid")
      kill "$pid"
      for _ in $(seq 150); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
      done
      if kill -0 "$pid" 2>/dev/null; then
        echo "  $s did not stop in 30 s; killed"
        kill -9 "$pid"
      else
        echo "  $s stopped"
      fi
    fi
    rm -f "$run/$s.pid"
  done
}

stop() {
  list
  end "${services[@]}"
}

status() {
  list
  for s in "${services[@]}"; do
    printf '  %-12s %s\n' "$s" "$(curl -s "http://${admin[$s]}/readyz" || echo down)"
  done
}

# The servers of env-up when they answer, else the all-in-one's folder.
audit() {
  if test/env.sh status >/dev/null 2>&1 || have_docker; then
    echo "auditing the servers of env-up"
    eval "$(settings)"
  else
    echo "auditing ./data"
  fi
  "$program" audit "$@"
}

case "${1:-}" in
  env-up) env_up ;;
  env-down) env_down ;;
  env) settings ;;
  start) start ;;
  demo) demo "${@:2}" ;;
  stop) stop ;;
  status) status ;;
  audit) audit "${@:2}" ;;
  *)
    sed -n '2,3p' "$0" | cut -c3-
    exit 2
    ;;
esac
