#!/bin/sh
# Brings the newest image of .env's APP_IMAGE to this server, one service after the other, without a gap: the new
# container starts beside the old one, and the old one is stopped only when the new one can serve. When one cannot, it is
# removed again, what this run replaced before goes back to its former image, and the exit code is 1.
#
#   ./restart-service-all.sh             all services, the gateway last
#   ./restart-service-all.sh SERVICE     one
#   ./restart-service-all.sh list        prints their names
#
#   FORCE=1          also what runs this image already (after a change of config/ or .env)
#   PULL=0           the image is on this machine already
#   WAIT_SECONDS=180 how long a new container may take
set -eu
cd "$(dirname "$0")"
limit=${WAIT_SECONDS:-180}
# generated services by go run ./deploy/generate
services='user video interaction social chat notice discovery api'
# end services
replaced=

if [ "${1:-}" = list ]; then
  echo "$services"
  exit
fi

say() { printf '%s\n' "$*"; }
die() {
  printf '%s\n' "restart-service-all: $*" >&2
  exit 1
}

command -v docker >/dev/null 2>&1 || die "Docker is not installed"
docker compose version >/dev/null 2>&1 || die "Docker's compose plugin is missing"
docker info >/dev/null 2>&1 || die "Docker does not answer: docker info"
[ -f .env ] || die ".env is missing: cp .env.example .env, and fill it in"
docker compose config -q || die "docker-compose.yml or .env is not complete"
image=$(docker compose config --images | grep -F -x "${APP_IMAGE:-$(sed -n 's/^APP_IMAGE=//p' .env | tail -n 1)}" | head -n 1) || true
[ -n "$image" ] || die "APP_IMAGE is not set"

if [ $# -gt 1 ]; then die "one service, or none for all"; fi
if [ $# -eq 1 ]; then
  case " $services " in *" $1 "*) services=$1 ;; *) die "no service $1; there are: $services" ;; esac
fi

ids() { docker compose ps -q "$1"; }
state() { docker inspect -f '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$1" 2>/dev/null || echo gone; }

# up_to_standard waits until a container is healthy and says that it can serve.
up_to_standard() { # ID
  t=$(date +%s)
  while :; do
    case $(state "$1") in
      'running healthy') if docker exec "$1" /opt/tiktok/entrypoint healthcheck ready >/dev/null 2>&1; then return; fi ;;
      running*) ;;
      *) return 1 ;;
    esac
    if [ $(($(date +%s) - t)) -ge "$limit" ]; then return 1; fi
    sleep 1
  done
}

drop() { # ID...: gracefully
  [ $# -eq 0 ] || docker stop -t 40 "$@" >/dev/null
  [ $# -eq 0 ] || docker rm -v "$@" >/dev/null
}

# roll replaces the containers of a service by as many of the image $2.
roll() { # SERVICE IMAGE
  old=$(ids "$1")
  count=$(printf '%s' "$old" | grep -c . || true)
  want=$count
  if [ "$want" -eq 0 ]; then want=1; fi
  APP_IMAGE=$2 docker compose up -d --no-deps --no-build --no-recreate --scale "$1=$((count + want))" "$1" >"$log" 2>&1 || {
    cat "$log" >&2
    fresh=$(ids "$1" | grep -v -F -x -e "${old:-none}" || true)
    # shellcheck disable=SC2086 # several ids
    drop $fresh
    return 1
  }
  fresh=$(ids "$1" | grep -v -F -x -e "${old:-none}" || true)
  for id in $fresh; do
    if ! up_to_standard "$id"; then
      say "  $1: the new container is not ready ($(state "$id")); the end of its log:" >&2
      docker logs --tail 30 "$id" >&2 || true
      docker exec "$id" /opt/tiktok/entrypoint healthcheck ready >&2 || true
      # shellcheck disable=SC2086
      drop $fresh
      return 1
    fi
  done
  # shellcheck disable=SC2086
  drop $old
}

# go_back puts former images back, the last one replaced first.
go_back() {
  for r in $replaced; do
    say "  $r: back to the former image" >&2
    roll "$r" "tiktok-former:$r" || say "  $r: the former image does not start either" >&2
  done
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT

if [ "${PULL:-1}" != 0 ]; then
  say "pulling $image"
  docker pull -q "$image" >/dev/null || die "the registry does not give $image; nothing was changed"
fi
newest=$(docker image inspect -f '{{.Id}}' "$image") || die "no image $image on this machine"
# Certificates of all processes and servers: what is missing or ends soon. Only root gets at the keys.
mkdir -p certs
chmod 700 certs
docker compose run --rm -T --no-deps --user "$(id -u):$(id -g)" certs >"$log" 2>&1 || {
  cat "$log" >&2
  die "the certificates cannot be made; nothing was changed"
}
if grep -q renewed "$log"; then
  say "renewed: $(sed -n 's/ *renewed.*//p' "$log" | tr '\n' ' ')- the servers among them read theirs when they are restarted"
fi
docker compose up -d --wait mysql redis rabbitmq etcd s3 >"$log" 2>&1 || {
  cat "$log" >&2
  die "the servers do not run; nothing was changed"
}
# The account of the processes at etcd.
docker compose run --rm -T --no-deps tools etcd-login >"$log" 2>&1 || {
  cat "$log" >&2
  die "the account at etcd cannot be made; nothing was changed"
}
# The accounts of MySQL as .env says now, in a volume that is older too.
docker compose exec -T mysql sh /docker-entrypoint-initdb.d/accounts.sh >"$log" 2>&1 || {
  cat "$log" >&2
  die "the accounts of MySQL cannot be made; nothing was changed"
}
# Every service does this when it starts. Once, beforehand, it fails before anything is replaced.
docker compose run --rm -T --no-deps tools migrate >"$log" 2>&1 || {
  cat "$log" >&2
  die "the schemas cannot be brought up to date; nothing was changed"
}

for s in $services; do
  first=$(ids "$s" | head -n 1)
  former=
  if [ -n "$first" ]; then former=$(docker inspect -f '{{.Image}}' "$first"); fi
  if [ "$former" = "$newest" ] && [ "${FORCE:-0}" != 1 ]; then
    say "  $s: runs this image already"
    continue
  fi
  if [ -n "$former" ]; then docker tag "$former" "tiktok-former:$s"; fi
  began=$(date +%s)
  if ! roll "$s" "$image"; then
    go_back
    die "$s was not replaced; what ran before runs"
  fi
  if [ -n "$former" ]; then replaced="$s $replaced"; fi
  say "  $s: replaced after $(($(date +%s) - began))s"
done
say "done: $image"
