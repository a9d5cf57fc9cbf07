#!/usr/bin/env bash
# The distributed deployment on one machine: its servers, its six processes, its audit.
#   stack.sh env-up | env-down | env | start | stop | status | audit
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
cd "$repo"
run=$repo/.run
data=$repo/.env.d/dev/app
services=(user video interaction social chat api)
admin_port() { case $1 in api) echo 10101 ;; user) echo 10102 ;; video) echo 10103 ;; interaction) echo 10104 ;; social) echo 10105 ;; chat) echo 10106 ;; esac; }

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

alive() { [ -f "$run/$1.pid" ] && kill -0 "$(cat "$run/$1.pid")" 2>/dev/null && grep -q "bin/$1" "/proc/$(cat "$run/$1.pid")/cmdline"; }

start() {
  mkdir -p "$run" "$data"
  if [ ! -s "$data/secret" ]; then
    (umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$data/secret")
  fi
  eval "$(settings)"
  for s in "${services[@]}"; do
    if alive "$s"; then
      echo "  $s runs already"
      continue
    fi
    nohup "bin/$s" >"$run/$s.log" 2>&1 &
    echo $! >"$run/$s.pid"
  done
  local began=$SECONDS
  for s in "${services[@]}"; do
    printf '  %-12s ' "$s"
    until curl -fs -o /dev/null "http://127.0.0.1:$(admin_port "$s")/readyz"; do
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
  until curl -fs "http://127.0.0.1:$(admin_port api)/readyz" | grep -qv unavailable; do
    [ $((SECONDS - began)) -le 60 ] || { echo "a service is not found in etcd: $(curl -s "http://127.0.0.1:$(admin_port api)/readyz")"; exit 1; }
    sleep 0.2
  done
  echo "http://localhost:10001 is ready; logs are in .run/"
}

stop() {
  for ((i = ${#services[@]} - 1; i >= 0; i--)); do
    local s=${services[i]}
    if alive "$s"; then
      local pid
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

status() {
  for s in "${services[@]}"; do
    printf '  %-12s %s\n' "$s" "$(curl -s "http://127.0.0.1:$(admin_port "$s")/readyz" || echo down)"
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
  go run ./cmd/audit "$@"
}

case "${1:-}" in
  env-up) env_up ;;
  env-down) env_down ;;
  env) settings ;;
  start) start ;;
  stop) stop ;;
  status) status ;;
  audit) audit "${@:2}" ;;
  *)
    sed -n '2,3p' "$0" | cut -c3-
    exit 2
    ;;
esac
