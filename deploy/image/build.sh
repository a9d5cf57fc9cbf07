#!/bin/sh
# Builds the image for this machine. Arguments go to docker build, e.g. --network host.
#   IMAGE=tiktok:dev VERSION=… GOPROXY=… deploy/image/build.sh
set -eu
cd "$(dirname "$0")/../.."
command -v docker >/dev/null 2>&1 || {
  echo "make docker: Docker is not installed" >&2
  exit 1
}
docker info >/dev/null 2>&1 || {
  echo "make docker: Docker does not answer; is its daemon running? See: docker info" >&2
  exit 1
}
image=${IMAGE:-tiktok:dev}
[ -z "${GOPROXY:-}" ] || set -- --build-arg "GOPROXY=$GOPROXY" "$@"
DOCKER_BUILDKIT=1 docker build --tag "$image" \
  --build-arg "VERSION=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}" \
  --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
  --build-arg "CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$@" .
docker image inspect -f "$image  {{.Architecture}}  {{.Size}} bytes" "$image"
