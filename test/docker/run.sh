#!/usr/bin/env bash
# Tries the containers for real where no image can be pulled: a private Docker daemon, base images made from Debian's
# packages under the tags that the files of this repository name, and then what a newcomer does, twice, with the
# end-to-end scenarios against port 10001 each time. Debian and root; the ports 10001 and 21xxx must be free.
#
#   test/docker/run.sh                 all of it
#   test/docker/run.sh STEP...         daemon images build media arm64 up run upload watch sizes e2e again refusals deploy allinone down
#   eval "$(test/docker/run.sh env)"   then docker and docker compose reach the daemon
#
#   NO_DAEMON=1 with the machine's own Docker: build media up run upload e2e again allinone sizes
#   TRIAL_DIR   the daemon's folder, default /var/tmp/tiktok-trial; images stay there for the next time
set -euo pipefail
repo=$(cd "$(dirname "$0")/../.." && pwd)
dir=${TRIAL_DIR:-/var/tmp/tiktok-trial}
if [ -z "${NO_DAEMON:-}" ] && [ "$repo" != "$dir/src" ] && [ "${1:-}" != env ]; then
  # A stand-in has the tag of the image that it plays, and cannot have its digest: what runs is a copy without digests.
  mkdir -p "$dir/src"
  (cd "$repo" && git ls-files -z -co --exclude-standard | tar --null -T - -c) | tar -x -C "$dir/src" --recursive-unlink
  sed -i -E 's/@sha256:[0-9a-f]{64}//' "$dir"/src/{Dockerfile,docker-compose.yml,docker-compose.ci.yml,deploy/docker-compose.yml}
  [ ! -f "$repo/.env" ] || cp "$repo/.env" "$dir/src/.env"
  export VERSION # the copy is no clone
  VERSION=$(git -C "$repo" describe --tags --always --dirty 2>/dev/null || echo dev)
  exec "$dir/src/test/docker/run.sh" "$@"
fi
here=$repo/test/docker
if [ -z "${NO_DAEMON:-}" ]; then
  export DOCKER_HOST=unix://$dir/docker.sock DOCKER_CONFIG=$dir/config
  # Debian's client builds with BuildKit by itself; newer ones want a plugin for that.
  export PATH=/usr/bin:/usr/sbin:$PATH
fi
# The scenarios compare videos before and after; what ffmpeg adds to them meanwhile would be a difference.
export MEDIA_FFMPEG=off
export WATCH=off LIMITS_DRIVER=off ALLINONE_LIMITS_DRIVER=off
began=$SECONDS
watched=(prometheus alertmanager mysqld-exporter redis-exporter node-exporter)
cd "$repo"

step() { printf '\n== %s  (%ds)\n' "$*" $((SECONDS - began)); }
timed() {
  local t=$EPOCHREALTIME
  printf '$ %s\n' "$*"
  "$@"
  awk -v a="$t" -v b="$EPOCHREALTIME" 'BEGIN { printf "  [%.1f s]\n", b - a }'
}

# ---- a daemon of our own -----------------------------------------------------------------------------------------------

daemon() {
  local missing=()
  [ -x /usr/sbin/dockerd ] || missing+=(docker.io)
  command -v iptables >/dev/null || missing+=(iptables)
  command -v debootstrap >/dev/null || missing+=(debootstrap)
  if [ ${#missing[@]} -gt 0 ]; then
    [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d && trap 'rm -f /usr/sbin/policy-rc.d' EXIT; }
    apt-get -q update
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}"
    [ -z "$(trap -p EXIT)" ] || { rm -f /usr/sbin/policy-rc.d && trap - EXIT; }
  fi
  if [ ! -x "$repo/bin/tools/docker-compose" ]; then
    echo "building docker compose, some minutes once"
    (cd "$here/compose" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$repo/bin/tools/docker-compose" github.com/docker/compose/v2/cmd)
  fi
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  ln -sf "$repo/bin/tools/docker-compose" "$DOCKER_CONFIG/cli-plugins/docker-compose"
  if docker info >/dev/null 2>&1; then return; fi
  setsid dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/docker.pid" -H "$DOCKER_HOST" </dev/null >"$dir/dockerd.log" 2>&1 &
  for _ in $(seq 150); do
    if docker info >/dev/null 2>&1; then break; fi
    sleep 0.2
  done
  docker info >/dev/null || { tail "$dir/dockerd.log" && exit 1; }
  docker version -f 'docker {{.Server.Version}}'
  docker compose version
}

# ---- stand-ins ---------------------------------------------------------------------------------------------------------

image_of() { sed -n "/^  $1:/,/image:/s/^ *image: *//p" docker-compose.yml | head -n 1; }
have() { docker image inspect "$1" >/dev/null 2>&1; }

images() {
  local base golang s sum tmp
  base=$(sed -n 's/^FROM .*\(debian:[^ ]*\).*/\1/p' Dockerfile)
  golang=$(sed -n 's/^FROM .*\(golang:[^ ]*\) AS build$/\1/p' Dockerfile)
  tmp=$(mktemp -d)
  if ! have "$base"; then
    debootstrap --variant=minbase bookworm "$tmp/base" >"$dir/debootstrap.log"
    rm -rf "$tmp"/base/var/cache/apt/archives/*.deb
    tar -C "$tmp/base" -c . | docker import - "$base"
  fi
  sum=$(sha256sum go.sum | cut -c 1-16)
  if [ "$(docker image inspect -f '{{index .Config.Labels "modules"}}' "$golang" 2>/dev/null)" != "$sum" ]; then
    # The compiler, and the modules of go.sum as a proxy made of files: the build needs no network for them.
    mkdir -p "$tmp/go"
    cp -r "$(go env GOROOT)/." "$tmp/go/toolchain"
    GOMODCACHE=$tmp/cache GOPROXY="file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)" GOFLAGS=-modcacherw go mod download
    mv "$tmp/cache/cache/download" "$tmp/go/modules"
    # shellcheck disable=SC2016 # the variable belongs to the image
    printf 'FROM %s\nCOPY toolchain /usr/local/go\nCOPY modules /modules\nENV PATH=/usr/local/go/bin:$PATH GOPATH=/go\n' "$base" >"$tmp/go/Dockerfile"
    docker build -q --label "modules=$sum" -t "$golang" "$tmp/go"
  fi
  mkdir "$tmp/standin"
  .ci/s3.sh
  cp "$here"/standin/* bin/tools/versitygw "$tmp/standin/"
  for s in mysql redis rabbitmq etcd s3 "${watched[@]}"; do
    if ! have "$(image_of "$s")"; then
      DOCKER_BUILDKIT=1 docker build -q --network host --target "$s" --build-arg BASE="$base" -t "$(image_of "$s")" "$tmp/standin"
    fi
  done
  rm -rf "$tmp"
  docker images
}

# ---- what a newcomer does ------------------------------------------------------------------------------------------------

build() { timed env GOPROXY=file:///modules deploy/image/build.sh --network host; } # make docker; the network is for Debian's mirror

# The tests of everything that calls ffmpeg, with the image's own; not those that try limits on programs of a full Debian, or
# make HDR films first, for which the image has no encoder.
media() {
  local p log
  mkdir -p bin/trial
  for p in pkg/media cmd/video/service; do
    log=bin/trial/${p//\//-}.log
    CGO_ENABLED=0 go test -c -o "${log%.log}.test" "./$p"
    timed docker run --rm --network none --read-only --tmpfs /tmp:exec,mode=1777,size=1g -v "$repo:/src:ro" -w "/src/$p" tiktok:dev \
      "/src/${log%.log}.test" -test.v -test.skip '^Test(RunLimits|RunIsNiceAndSeesNoSecrets|.*HDR.*)$' | tee "$log" | grep '^ *\[' || { grep -B20 -e '--- FAIL' -e panic "$log" && return 1; }
    echo "  $p: $(grep -c -e '--- PASS' "$log") passed, $(grep -c -e '--- SKIP' "$log") skipped"
  done
}

# The image for the other architecture: everything is compiled here, so nothing needs emulating.
arm64() {
  timed env IMAGE=tiktok:dev-arm64 GOPROXY=file:///modules deploy/image/build.sh --network host --platform linux/arm64
}

up() { timed make env-up; }
run() { timed sh docker-run.sh; }

# A film of 200 MB, with S3 and ffmpeg: what is on its way does not fit into memory, nor into the tmpfs at /tmp.
upload() {
  timed env MEDIA_FFMPEG= sh docker-run.sh
  timed "$here/upload.sh" http://127.0.0.1:10001
  sh docker-run.sh
}

e2e() { # [SERVICE...]: those that are stopped and started again in the middle
  local all=${*:-$(deploy/restart-service-all.sh list)} env
  env=$(test/stack.sh env)
  [ "$all" != tiktok ] || env=
  # In a shell of its own: its settings are not for the other steps, where docker compose would read some of them.
  (
    eval "$env"
    export TIKTOK_TEST_URL=http://127.0.0.1:10001
    export TIKTOK_TEST_STOP="docker compose --profile app --profile allinone stop $all"
    export TIKTOK_TEST_START="docker compose --profile app --profile allinone start $all"
    timed go test -count=1 -v -run '^TestRemote$' -timeout 20m ./test/e2e | grep -E '^ *(---|ok|FAIL|PASS|  \[)'
  )
}

# Prometheus finds the eight processes and what they stand on, and notices when something is away.
watch() {
  timed docker compose --profile watch up -d --wait "${watched[@]}"
  prometheus_says 11 'up{job=~"tiktok|servers"} == 1'
  prometheus_says 2 '{__name__=~"mysql_up|redis_up"} == 1'
  docker compose stop redis >/dev/null 2>&1
  prometheus_says 1 'ALERTS{alertname="ServerDown",server="redis"}'
  docker compose start redis >/dev/null 2>&1
  prometheus_says 2 '{__name__=~"mysql_up|redis_up"} == 1'
}

prometheus_says() { # COUNT QUERY: waits until so many series answer
  local began=$SECONDS n
  while :; do
    n=$(curl -fsG --data-urlencode "query=count($2)" http://127.0.0.1:21090/api/v1/query | sed -n 's/.*"value":\[[^,]*,"\([0-9]*\)"\].*/\1/p')
    if [ "${n:-0}" = "$1" ]; then break; fi
    [ $((SECONDS - began)) -lt 90 ] || { echo "prometheus: $2: ${n:-0}, want $1" >&2 && exit 1; }
    sleep 1
  done
  echo "  $1 of $2 after $((SECONDS - began)) s"
}

again() {
  step "a second time: everything is replaced, the data stay"
  timed sh docker-run.sh
  timed sh docker-run.sh interaction
  timed docker compose --profile app up -d --wait # all in one command
  timed make env-up
  e2e
}

allinone() {
  timed sh docker-run.sh tiktok
  e2e tiktok
}

sizes() {
  docker images --format '{{.Repository}}:{{.Tag}}  {{.Size}}'
  docker stats --no-stream --format 'table {{.Name}}\t{{.MemUsage}}\t{{.CPUPerc}}'
}

refusals() {
  step "clear errors"
  ! sh docker-run.sh nosuch || return 1
  ! env DOCKER_HOST=unix:///nowhere sh docker-run.sh || return 1
  ! env APP_IMAGE=nosuch:dev sh docker-run.sh || return 1
  docker compose stop redis >/dev/null 2>&1
  ! sh docker-run.sh || return 1
  docker compose start redis >/dev/null 2>&1
}

down() {
  make env-down || true
  docker compose --profile '*' down -v >/dev/null 2>&1 || true
  if [ -s "$dir/docker.pid" ]; then
    local pid
    pid=$(cat "$dir/docker.pid")
    kill "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done
  fi
}

case ${1:-} in
  '') set -- daemon images build media arm64 up run upload watch sizes e2e again refusals deploy allinone sizes down ;;
  env)
    printf "export DOCKER_HOST='%s' DOCKER_CONFIG='%s' PATH=/usr/bin:/usr/sbin:\$PATH\n" "$DOCKER_HOST" "$DOCKER_CONFIG"
    exit
    ;;
esac
[ -n "${NO_DAEMON:-}" ] || [ "$(id -u)" = 0 ] || { echo "run.sh: needs root, for its daemon" >&2 && exit 1; }
deploy() { "$here/deploy.sh"; }
for s in "$@"; do
  step "$s"
  "$s"
done
