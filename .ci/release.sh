#!/usr/bin/env bash
# Builds the program of a release into dist/: an archive for each system, and their checksums.
#   .ci/release.sh v1.2.3
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?which version, e.g. v1.2.3}
revision=$(git rev-parse HEAD)
rm -rf dist
mkdir dist
for target in linux/amd64 linux/arm64 darwin/arm64; do
  name=tiktok-$version-${target%/*}-${target#*/}
  mkdir -p "dist/$name"
  CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go build -trimpath \
    -ldflags "-s -w -X tiktok/pkg/telemetry.version=$version -X tiktok/pkg/telemetry.revision=$revision" -o "dist/$name/" ./cmd/tiktok
  cp LICENSE README.md config/config.example.yaml "dist/$name/"
  tar -C dist --sort=name --owner=0 --group=0 --mtime="@$(git log -1 --format=%ct)" -czf "dist/$name.tar.gz" "$name"
  rm -r "dist/$name"
done
(cd dist && sha256sum ./*.tar.gz >SHA256SUMS)
ls -l dist
